"""The sites of an ensemble: places, climates and soils over the globe, and properties that emulators are not told."""
