//! The colours that a graphics card works out of the three planes of a picture.

use eframe::egui_wgpu::{RenderState, Renderer, RendererOptions, WgpuSetup, wgpu};
use parlor::media::convert::ToRgba;
use parlor::media::frame::{Picture, Pool};
use parlor::ui::planes::{Canvas, Painter};
use std::sync::Arc;

const SHOWN: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// Whatever draws on this computer; in tests, mostly a graphics card that the processor plays.
fn card() -> RenderState {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let instance = WgpuSetup::without_display_handle().new_instance().await;
        let adapters = instance.enumerate_adapters(wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12).await;
        let adapter = adapters.into_iter().next().expect("drawing needs a graphics driver (on Debian: mesa-vulkan-drivers)");
        let (device, queue) = adapter.request_device(&Default::default()).await.unwrap();
        let renderer = Renderer::new(&device, SHOWN, RendererOptions::default());
        RenderState {
            available_adapters: Vec::new(),
            adapter,
            instance,
            device,
            queue,
            target_format: SHOWN,
            renderer: Arc::new(egui::mutex::RwLock::new(renderer)),
        }
    })
}

/// What is on a canvas.
fn read(state: &RenderState, canvas: &Canvas) -> Vec<u8> {
    let [width, height] = canvas.size();
    // Rows of a copy begin at multiples of this.
    let stride = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = state.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(stride * height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = state.device.create_command_encoder(&Default::default());
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(stride), rows_per_image: None };
    let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let to = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(canvas.shown().texture().as_image_copy(), to, extent);
    state.queue.submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |result| result.unwrap());
    state.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = buffer.slice(..).get_mapped_range().unwrap();
    bytes.chunks_exact(stride as usize).flat_map(|row| row[..width as usize * 4].to_vec()).collect()
}

/// A picture with all kinds of colours, which change slowly.
fn picture(width: u32, height: u32) -> Picture {
    let mut picture =
        Picture { width, height, captured: Default::default(), data: Pool::new().take(Picture::len(width, height)) };
    let (w, h) = (width as usize, height as usize);
    let [y, u, v] = picture.planes_mut();
    for (at, value) in y.iter_mut().enumerate() {
        *value = (16 + 219 * (at % w) / w) as u8;
    }
    let cw = w.div_ceil(2);
    for at in 0..u.len() {
        (u[at], v[at]) = ((16 + 224 * (at / cw) / h.div_ceil(2)) as u8, (240 - 224 * (at % cw) / cw) as u8);
    }
    picture
}

#[test]
fn the_card_shows_the_colours_that_the_processor_does() {
    let state = card();
    let painter = Painter::new(state.clone());
    for (width, height) in [(640, 360), (1280, 720), (161, 91)] {
        let picture = picture(width, height);
        let wanted = ToRgba::new().picture(&picture).unwrap();
        let canvas = Canvas::new(&painter, width, height);
        canvas.draw(picture.planes());
        let shown = read(&state, &canvas);
        assert_eq!(shown.len(), wanted.data.len());
        let off: Vec<u8> = shown.iter().zip(wanted.data.iter()).map(|(a, b)| a.abs_diff(*b)).collect();
        let mean = off.iter().map(|off| f64::from(*off)).sum::<f64>() / off.len() as f64;
        let most = off.iter().max().unwrap();
        // Between two samples of colour the card goes gradually, the processor by steps.
        assert!(mean < 1.5 && *most <= 12, "{width}x{height}: {mean:.2} on average, {most} at most");
        canvas.draw([&[], &[], &[]]);
        assert_eq!(read(&state, &canvas), shown, "too few bytes draw nothing");
    }
}
