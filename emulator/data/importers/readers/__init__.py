"""Code that reads files: tables of text, CF grids and points, and formats that need more than a mapping."""
