//! uploader.
