//! A moving picture on the screen.
//!
//! The pixels of each new picture are copied into one of two buffers that are used again and again, and uploaded into the same
//! texture: fresh buffers would cost more in page faults than the copy itself. Scaling is left to the GPU, and on a real graphics card the
//! colours are, too (see [`planes`](super::planes)).

use super::planes::{Canvas, Painter};
use egui::{Color32, ColorImage, Context, TextureHandle, TextureId, TextureOptions};
use std::sync::Arc;

/// One picture that changes.
#[derive(Default)]
pub struct Video {
    texture: Option<TextureHandle>,
    /// Instead of the texture, where the graphics card works out the colours.
    canvas: Option<Canvas>,
    buffers: [Option<Arc<ColorImage>>; 2],
    next: usize,
    shown: u64,
}

impl Video {
    /// Shows a new picture: `width * height` pixels, RGBA, opaque, rows without padding. Anything else is ignored.
    pub fn set(&mut self, ctx: &Context, width: u32, height: u32, rgba: &[u8]) {
        let size = [width as usize, height as usize];
        if size[0] == 0 || size[1] == 0 || rgba.len() != size[0] * size[1] * 4 {
            return;
        }
        let image = self.fill(size, rgba);
        self.canvas = None;
        match &mut self.texture {
            Some(texture) if texture.size() == size => texture.set_partial([0, 0], image, TextureOptions::LINEAR),
            texture => *texture = Some(ctx.load_texture("video", image, TextureOptions::LINEAR)),
        }
        self.shown += 1;
    }

    /// Shows a new picture: its Y, U and V planes, for `painter` to work out the colours. Empty ones are ignored.
    pub fn set_planes(&mut self, painter: &Painter, width: u32, height: u32, planes: [&[u8]; 3]) {
        if width == 0 || height == 0 {
            return;
        }
        let kept = self.canvas.take().filter(|canvas| canvas.size() == [width, height]);
        let canvas = kept.unwrap_or_else(|| Canvas::new(painter, width, height));
        canvas.draw(planes);
        self.canvas = Some(canvas);
        self.texture = None;
        self.shown += 1;
    }

    fn fill(&mut self, size: [usize; 2], rgba: &[u8]) -> Arc<ColorImage> {
        self.next = 1 - self.next;
        let buffer = &mut self.buffers[self.next];
        // The renderer lets go of a buffer when it has uploaded it, one frame later; if it has not yet, take a new one.
        match buffer.as_mut().and_then(Arc::get_mut).filter(|image| image.size == size) {
            Some(image) => image.as_raw_mut().copy_from_slice(rgba),
            None => *buffer = Some(Arc::new(ColorImage::from_rgba_premultiplied(size, rgba))),
        }
        buffer.clone().unwrap_or_else(|| Arc::new(ColorImage::filled(size, Color32::BLACK)))
    }

    /// The texture, once there is a picture.
    pub fn texture(&self) -> Option<TextureId> {
        self.canvas.as_ref().map(Canvas::id).or_else(|| self.texture.as_ref().map(TextureHandle::id))
    }

    /// Width to height of the picture, once there is one.
    pub fn aspect(&self) -> Option<f32> {
        let of_canvas = |canvas: &Canvas| canvas.size()[0] as f32 / canvas.size()[1] as f32;
        self.canvas.as_ref().map(of_canvas).or_else(|| self.texture.as_ref().map(TextureHandle::aspect_ratio))
    }

    /// Pictures shown so far.
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// Forgets the picture.
    pub fn clear(&mut self) {
        (self.texture, self.canvas) = (None, None);
    }
}

impl std::fmt::Debug for Video {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Video").field("texture", &self.texture()).field("shown", &self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_texture_are_used_again() {
        let ctx = Context::default();
        let mut video = Video::default();
        let mut addresses = std::collections::BTreeSet::new();
        for i in 0..10u8 {
            video.set(&ctx, 4, 2, &[i; 32]);
            addresses.insert(video.buffers[video.next].as_ref().unwrap().pixels.as_ptr() as usize);
            // What the renderer does after each frame.
            ctx.tex_manager().write().take_delta().clear();
        }
        assert_eq!((addresses.len(), video.shown()), (2, 10));
        assert_eq!(video.aspect(), Some(2.0));
        let texture = video.texture();
        video.set(&ctx, 4, 2, &[0; 32]);
        assert_eq!(video.texture(), texture);
    }

    #[test]
    fn a_broken_picture_is_ignored_and_a_new_size_taken() {
        let ctx = Context::default();
        let mut video = Video::default();
        video.set(&ctx, 4, 2, &[0; 31]);
        video.set(&ctx, 0, 2, &[]);
        assert_eq!((video.texture(), video.shown()), (None, 0));
        video.set(&ctx, 4, 2, &[0; 32]);
        video.set(&ctx, 2, 2, &[0; 16]);
        assert_eq!(video.aspect(), Some(1.0));
    }
}
