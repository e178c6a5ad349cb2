"""The files that simulations read and write (docs/formats.md): what they hold, how they are written and checked."""
