//! A real cluster through Slurm's own commands.
