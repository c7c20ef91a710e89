//! The gateway around the core: radio inputs, platform, program.
