//! Opens the window, with whatever can draw on this computer.

use super::call::videos::Graphics;
use super::cli::{Args, Colours, Renderer};
use super::instance::{self, Claim};
use super::{App, Options, crash};
use crate::base::Clock;
use crate::ui::planes::Painter;
use eframe::egui_wgpu::{RenderState, SurfaceConfig, WgpuConfiguration, WgpuSetup, wgpu};
use eframe::{NativeOptions, egui_glow::GlowConfiguration};
use egui::{IconData, ViewportBuilder, ViewportCommand};
use std::sync::{Arc, Mutex};

static ICON: &[u8] = include_bytes!("../../assets/icon/parlor.png");

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No threads or sockets.
    #[error("the program cannot start: {0}")]
    Runtime(#[from] std::io::Error),
    /// Neither way of drawing works.
    #[error("no window can be opened: {0}")]
    NoRenderer(String),
}

/// Runs the program until its window is closed.
///
/// # Errors
/// When no window can be opened.
pub fn run(args: Args) -> Result<(), Error> {
    let started = Clock::system().now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("net").enable_all().build()?;
    let config = args.config_path();
    let listener = match runtime.block_on(instance::claim(config.as_deref(), &args)) {
        Claim::Told => {
            tracing::info!("the window that is there takes it from here");
            return Ok(());
        }
        Claim::First(listener) => Arc::new(Mutex::new(listener)),
    };
    if let Some(config) = &config {
        crash::watch(crash::folder(config));
    }
    let graphics = if runtime.block_on(has_graphics_card()) { Graphics::Card } else { Graphics::Processor };
    let options = Options {
        started,
        config,
        listener,
        runtime: runtime.handle().clone(),
        system_fonts: true,
        graphics,
        painter: None,
        args: args.clone(),
    };
    let renderers = match (args.renderer, graphics) {
        (Some(only), _) => vec![only],
        (None, Graphics::Card) => vec![Renderer::Wgpu, Renderer::Glow],
        (None, Graphics::Processor) => vec![Renderer::Glow, Renderer::Wgpu],
    };
    let mut failures = Vec::new();
    for renderer in renderers {
        match open(renderer, options.clone()) {
            Ok(()) => {
                runtime.shutdown_timeout(std::time::Duration::from_millis(500));
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(?renderer, %error, "no window this way");
                failures.push(format!("{renderer:?}: {error}"));
            }
        }
    }
    Err(Error::NoRenderer(failures.join("\n")))
}

/// Whether wgpu finds anything but the processor to draw with. Where it does not, OpenGL is far cheaper: one window of a call
/// with 30 pictures a second costs 0.21 of a core with glow on llvmpipe and 0.86 with wgpu on lavapipe.
async fn has_graphics_card() -> bool {
    let instance = WgpuSetup::without_display_handle().new_instance().await;
    let adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
    adapters.iter().any(|adapter| adapter.get_info().device_type != wgpu::DeviceType::Cpu)
}

fn open(renderer: Renderer, options: Options) -> eframe::Result {
    let native = native_options(renderer, &options.args);
    eframe::run_native(
        "Parlor",
        native,
        Box::new(move |cc| {
            let painter = cc.wgpu_render_state.as_ref().and_then(|state| painter(state, &options.args));
            let options = Options { painter, ..options };
            close_on_signal(&options, cc.egui_ctx.clone());
            Ok(Box::new(App::new(&cc.egui_ctx, options)))
        }),
    )
}

/// Has the graphics card work out colours, if it is a real one (or the command line says so).
fn painter(state: &RenderState, args: &Args) -> Option<Painter> {
    let info = state.adapter.get_info();
    let is_card = info.device_type != wgpu::DeviceType::Cpu && !is_emulated(&info.name);
    let card = args.colours.map_or(is_card, |by| by == Colours::Card);
    tracing::info!(name = info.name, card, "colours of pictures");
    card.then(|| Painter::new(state.clone()))
}

/// Whether this is the name of a graphics card that the processor plays, whatever else it says about itself.
fn is_emulated(name: &str) -> bool {
    let name = name.to_lowercase();
    ["llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render", "warp"].iter().any(|sign| name.contains(sign))
}

fn native_options(renderer: Renderer, args: &Args) -> NativeOptions {
    let icon = eframe::icon_data::from_png_bytes(ICON).unwrap_or_else(|error| {
        tracing::error!(%error, "the window's icon is damaged");
        IconData::default()
    });
    let size = args.size.unwrap_or((1180.0, 760.0));
    let viewport = ViewportBuilder::default()
        .with_title("Parlor")
        .with_app_id("parlor")
        .with_inner_size([size.0, size.1])
        .with_min_inner_size([480.0_f32.min(size.0), 360.0_f32.min(size.1)])
        .with_icon(Arc::new(icon));
    NativeOptions {
        viewport,
        renderer: match renderer {
            Renderer::Wgpu => eframe::Renderer::Wgpu,
            Renderer::Glow => eframe::Renderer::Glow,
        },
        // Pictures of people should not queue up behind each other.
        wgpu_options: WgpuConfiguration { surface: SurfaceConfig::LOW_LATENCY, ..WgpuConfiguration::default() },
        glow_options: GlowConfiguration { vsync: false, ..GlowConfiguration::default() },
        // There are no gradients that would need it, and without a graphics card every pixel counts.
        dithering: false,
        // The fonts ask the system themselves, in the right language.
        system_font_fallback: false,
        ..NativeOptions::default()
    }
}

/// Ctrl+C and a polite kill close the window, so that the room is left first.
fn close_on_signal(options: &Options, ctx: egui::Context) {
    options.runtime.spawn(async move {
        if let Err(error) = signal().await {
            tracing::warn!(%error, "signals cannot be heard");
            return;
        }
        ctx.send_viewport_cmd(ViewportCommand::Close);
        ctx.request_repaint();
    });
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_card_that_the_processor_plays_is_known_by_its_name() {
        for (name, emulated) in [
            ("llvmpipe (LLVM 19.1.7, 256 bits)", true),
            ("Microsoft Basic Render Driver", true),
            ("SwiftShader Device (Subzero)", true),
            ("NVIDIA GeForce RTX 3060", false),
            ("Intel(R) UHD Graphics 620", false),
            ("Apple M2", false),
        ] {
            assert_eq!(super::is_emulated(name), emulated, "{name}");
        }
    }
}
