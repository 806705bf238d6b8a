//! What single kinds do besides.
