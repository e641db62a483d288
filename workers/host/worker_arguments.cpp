#include "workers/host/worker_arguments.h"

#include <cstdlib>

#include "engine/base/printable.h"

namespace wfe::worker {
namespace {

void FromEnvironment(const char* name, std::string& value) {
  const char* const set = std::getenv(name);
  if (set != nullptr && *set != '\0') value = set;
}

/// Where the value of an option goes; nullptr for a word that is none.
std::string* Target(const std::string& option, WorkerArguments& result) {
  if (option == "--address") return &result.address;
  if (option == "--namespace" || option == "-n") return &result.ns;
  if (option == "--queue" || option == "-q") return &result.task_queue;
  return nullptr;
}

Result<WorkerArguments> ParseReplay(const std::vector<std::string>& arguments, WorkerArguments result) {
  result.command = WorkerArguments::Command::kReplay;
  result.histories.assign(arguments.begin() + 1, arguments.end());
  for (const std::string& file : result.histories) {
    if (file.starts_with("-")) return InvalidArgument("replay takes files, not " + PrintableLine(file));
  }
  if (result.histories.empty()) return InvalidArgument("replay needs the file of a history; `wfe history export` makes one");
  return result;
}

}  // namespace

Result<WorkerArguments> ParseWorkerArguments(const std::vector<std::string>& arguments,
                                             std::string_view default_queue) {
  WorkerArguments result;
  result.task_queue = default_queue;
  FromEnvironment("TEMPORAL_ADDRESS", result.address);
  FromEnvironment("TEMPORAL_NAMESPACE", result.ns);
  FromEnvironment("TEMPORAL_API_KEY", result.api_key);
  if (!arguments.empty() && arguments[0] == "replay") return ParseReplay(arguments, std::move(result));
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--help" || word == "-h") {
      result.command = WorkerArguments::Command::kHelp;
      return result;
    }
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string option = word.substr(0, equals);
    std::string* const target = Target(option, result);
    if (target == nullptr) {
      return InvalidArgument(PrintableLine(word) + " is no option of a worker; --help lists them");
    }
    if (equals != std::string::npos) {
      *target = word.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      *target = arguments[++i];
    } else {
      return InvalidArgument(option + " needs a value");
    }
    if (target->empty()) return InvalidArgument(option + " needs a value");
  }
  if (result.task_queue.empty()) return InvalidArgument("name the task queue to serve with --queue");
  return result;
}

std::string WorkerUsage(std::string_view program, std::string_view default_queue) {
  const std::string name(program);
  const std::string queue = default_queue.empty() ? "none" : std::string(default_queue);
  return "Serves workflows and activities until SIGTERM, or replays histories\n"
         "Usage: " + name + " [OPTIONS]\n"
         "       " + name + " replay FILE...\n\n"
         "Options:\n"
         "  -h,--help             Print this help message and exit\n"
         "  --address HOST:PORT   The server, or unix:PATH (default: $TEMPORAL_ADDRESS, 127.0.0.1:7233)\n"
         "  -n,--namespace NAME   Namespace (default: $TEMPORAL_NAMESPACE, default)\n"
         "  -q,--queue NAME       Task queue (default: " + queue + ")\n\n"
         "$TEMPORAL_API_KEY is sent to the server when it is set.\n";
}

}  // namespace wfe::worker
