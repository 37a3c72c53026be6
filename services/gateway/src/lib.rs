//! The HTTP face: conda, Python and REST.
