//! `cluster.yaml`.
