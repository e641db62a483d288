// Forward declarations of wfe::frontend.
#pragma once

#include "engine/runtime/fwd.h"

namespace wfe::frontend {

class Call;
class Dispatcher;
class Engine;
class HandlerTable;
class ServerCall;
using runtime::Admission;
using runtime::EngineHost;
using runtime::EngineOptions;
using runtime::Services;

}  // namespace wfe::frontend
