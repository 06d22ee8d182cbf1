//! Pictures whose colours the graphics card works out: the three planes are uploaded, half of what RGBA would be, and a shader draws them into
//! a texture that is then shown like any other, so that corners, turns and screenshots are the same either way.
//!
//! Only worth it on a real graphics card: on one that the processor plays, the same work only moves (see `Graphics` of the app).

use eframe::egui_wgpu::{RenderState, wgpu};
use egui::TextureId;
use std::sync::Arc;

/// What BT.601 and BT.709 in video range mean, and a triangle that covers the picture.
const SHADER: &str = "
@group(0) @binding(0) var luma: texture_2d<f32>;
@group(0) @binding(1) var blue: texture_2d<f32>;
@group(0) @binding(2) var red: texture_2d<f32>;
@group(0) @binding(3) var smooth_sampler: sampler;

struct Corner { @builtin(position) at: vec4<f32>, @location(0) uv: vec2<f32> }

@vertex fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let uv = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return Corner(vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}

fn colour(in: Corner, k: vec4<f32>) -> vec4<f32> {
    let y = (textureSample(luma, smooth_sampler, in.uv).r - 16.0 / 255.0) * 1.164384;
    let u = textureSample(blue, smooth_sampler, in.uv).r - 128.0 / 255.0;
    let v = textureSample(red, smooth_sampler, in.uv).r - 128.0 / 255.0;
    return vec4<f32>(clamp(vec3<f32>(y + k.x * v, y + k.y * u + k.z * v, y + k.w * u), vec3<f32>(0.0), vec3<f32>(1.0)), 1.0);
}

@fragment fn small(in: Corner) -> @location(0) vec4<f32> {
    return colour(in, vec4<f32>(1.596027, -0.391762, -0.812968, 2.017232));
}

@fragment fn hd(in: Corner) -> @location(0) vec4<f32> {
    return colour(in, vec4<f32>(1.792741, -0.213249, -0.532909, 2.112402));
}
";

/// What draws planes; clones are the same.
#[derive(Clone)]
pub struct Painter(Arc<Inner>);

struct Inner {
    state: RenderState,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    /// For small pictures, and for HD.
    pipelines: [wgpu::RenderPipeline; 2],
}

/// Format of what is shown, as the window's renderer wants it.
const SHOWN: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

impl Painter {
    /// One for the window that is drawn by `state`.
    pub fn new(state: RenderState) -> Self {
        let device = &state.device;
        let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("planes"),
            source: wgpu::ShaderSource::Wgsl(SHADER.into()),
        });
        let texture = |binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: true },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        let sampled = wgpu::BindGroupLayoutEntry {
            binding: 3,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
            count: None,
        };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("planes"),
            entries: &[texture(0), texture(1), texture(2), sampled],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("planes"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = |colours: &str| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some("planes"),
                layout: Some(&pipeline_layout),
                vertex: wgpu::VertexState {
                    module: &shader,
                    entry_point: Some("corner"),
                    compilation_options: Default::default(),
                    buffers: &[],
                },
                primitive: Default::default(),
                depth_stencil: None,
                multisample: Default::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &shader,
                    entry_point: Some(colours),
                    compilation_options: Default::default(),
                    targets: &[Some(SHOWN.into())],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let pipelines = [pipeline("small"), pipeline("hd")];
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        Self(Arc::new(Inner { layout, sampler, pipelines, state }))
    }
}

impl std::fmt::Debug for Painter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Painter")
    }
}

/// A picture on the graphics card: its planes, and what they look like.
pub struct Canvas {
    painter: Painter,
    size: [u32; 2],
    planes: [wgpu::Texture; 3],
    shown: wgpu::TextureView,
    group: wgpu::BindGroup,
    id: TextureId,
}

impl Canvas {
    /// Room for pictures of `width` x `height`, which the card must be able to hold.
    pub fn new(painter: &Painter, width: u32, height: u32) -> Self {
        let Inner { state, layout, sampler, .. } = &*painter.0;
        let device = &state.device;
        let texture = |width, height, format, usage| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some("picture"),
                size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage,
                view_formats: &[],
            })
        };
        let taken = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        let small = (width.div_ceil(2), height.div_ceil(2));
        let planes = [(width, height), small, small].map(|(w, h)| texture(w, h, wgpu::TextureFormat::R8Unorm, taken));
        let drawn = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_SRC;
        let shown = texture(width, height, SHOWN, drawn).create_view(&Default::default());
        let views = planes.each_ref().map(|plane| plane.create_view(&Default::default()));
        let view = |binding: u32, view| wgpu::BindGroupEntry { binding, resource: wgpu::BindingResource::TextureView(view) };
        let sampled = wgpu::BindGroupEntry { binding: 3, resource: wgpu::BindingResource::Sampler(sampler) };
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("planes"),
            layout,
            entries: &[view(0, &views[0]), view(1, &views[1]), view(2, &views[2]), sampled],
        });
        let id = state.renderer.write().register_native_texture(device, &shown, wgpu::FilterMode::Linear);
        Self { painter: painter.clone(), size: [width, height], planes, shown, group, id }
    }

    /// Width and height, in pixels.
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// What to draw with.
    pub fn id(&self) -> TextureId {
        self.id
    }

    /// What is drawn: RGBA, to be read back as well as shown.
    pub fn shown(&self) -> &wgpu::TextureView {
        &self.shown
    }

    /// Shows a picture: the Y, U and V planes, 4:2:0, video range, BT.601 below 720 lines and BT.709 from there on, rows without padding. Planes
    /// that are too short are ignored.
    pub fn draw(&self, planes: [&[u8]; 3]) {
        let Inner { state, pipelines, .. } = &*self.painter.0;
        let [width, height] = self.size;
        let sizes = [(width, height), (width.div_ceil(2), height.div_ceil(2)), (width.div_ceil(2), height.div_ceil(2))];
        if planes.iter().zip(sizes).any(|(plane, (w, h))| plane.len() < w as usize * h as usize) {
            return;
        }
        for ((texture, bytes), (width, height)) in self.planes.iter().zip(planes).zip(sizes) {
            let rows = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width), rows_per_image: Some(height) };
            let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
            state.queue.write_texture(texture.as_image_copy(), bytes, rows, extent);
        }
        let mut encoder = state.device.create_command_encoder(&Default::default());
        {
            let target = wgpu::RenderPassColorAttachment {
                view: &self.shown,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
            };
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("planes"),
                color_attachments: &[Some(target)],
                ..Default::default()
            });
            pass.set_pipeline(&pipelines[usize::from(height >= 720)]);
            pass.set_bind_group(0, &self.group, &[]);
            pass.draw(0..3, 0..1);
        }
        state.queue.submit([encoder.finish()]);
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.painter.0.state.renderer.write().free_texture(&self.id);
    }
}
