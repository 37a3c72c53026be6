//! Configuration, telemetry, health, drain, clocks, ids, outcome codes.
