// Holds the precompiled header of temporal_pch.h; no code of its own.
