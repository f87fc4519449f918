#pragma once
#include "proxy/config.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

/// The part of a configuration that a rules engine needs; the caller adds `log` and `now_us`.
rules::EngineOptions engine_options(const Config& config);

}  // namespace pgswitch
