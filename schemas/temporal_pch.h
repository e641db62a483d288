// Precompiled: what nearly every file that speaks Temporal's API includes.
// Files still include what they use; this only makes it cheap.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <temporal/api/command/v1/message.pb.h>
#include <temporal/api/failure/v1/message.pb.h>
#include <temporal/api/history/v1/message.pb.h>
#include <temporal/api/workflowservice/v1/request_response.pb.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
