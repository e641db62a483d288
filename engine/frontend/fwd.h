// Forward declarations of wfe::frontend.
#pragma once

#include "engine/runtime/fwd.h"

namespace wfe::frontend {

class Authorizer;
class Call;
class Dispatcher;
class Engine;
class MethodTable;
class Pipeline;
class ServerCall;
struct CallContext;
struct MethodFacts;
struct ServedMethod;
using runtime::Admission;
using runtime::EngineHost;
using runtime::EngineOptions;
using runtime::Services;

}  // namespace wfe::frontend
