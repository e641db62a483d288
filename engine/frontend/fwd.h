// Forward declarations of wfe::frontend.
#pragma once

namespace wfe::frontend {

class Call;
class Dispatcher;
class Engine;
class HandlerTable;
class ServerCall;
struct EngineHost;
struct EngineOptions;
struct Services;

}  // namespace wfe::frontend
