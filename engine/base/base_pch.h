// Precompiled: what nearly every file that speaks no protocol includes.  Its templates cost 2 of the 3 seconds that such a
// file took.  Files still include what they use; this only makes it cheap.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/json_instance.h"
#include "engine/base/parse_json.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
