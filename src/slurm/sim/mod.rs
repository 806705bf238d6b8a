//! A small simulated cluster inside this process that really runs the scripts.
