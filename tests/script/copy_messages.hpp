#pragma once
#include "script.hpp"

/// COPY FROM STDIN, in both protocols.
namespace pgswitch::script {

inline constexpr std::string_view copy_in = "copy t from stdin";
inline Bytes extended_copy() { return parse("", copy_in) + bind_to("", "") + execute(""); }
inline Bytes broken() { return copy_fail("pgswitch: the client sent something else than data"); }
inline Bytes broken_off() { return error("57014", "COPY from stdin failed: pgswitch: the client sent something else than data"); }

}  // namespace pgswitch::script
