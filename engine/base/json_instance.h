// nlohmann::json, compiled once.  Every file that uses it would else compile all of its members again, for a second each;
// precompiled headers include this, so that files need not.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::detail::serializer<nlohmann::json>;
