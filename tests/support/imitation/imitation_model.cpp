#include "tests/support/imitation/imitation_model.h"

#include <algorithm>
#include <utility>

namespace wfe::imitation {
namespace {

using nlohmann::json;
using Protocol = ModelRequest::Protocol;

int GeminiTurn(const json& body) {
  int turn = 1;
  for (const json& content : body.value("contents", json::array())) {
    for (const json& part : content.value("parts", json::array())) {
      if (!part.contains("functionResponse")) continue;
      ++turn;
      break;
    }
  }
  return turn;
}

int ChatTurn(const json& body) {
  const json messages = body.value("messages", json::array());
  return 1 + static_cast<int>(std::count_if(messages.begin(), messages.end(),
                                            [](const json& message) { return message.contains("tool_calls"); }));
}

std::string Between(const std::string& text, const std::string& before, const std::string& after) {
  const size_t at = text.find(before);
  if (at == std::string::npos) return {};
  const size_t from = at + before.size();
  return text.substr(from, text.find(after, from) - from);
}

std::string GotOf(const ModelAnswer& answer, const Wire& wire) {
  return answer.fault == "cut" || answer.fault == "torn" || answer.fault == "hang" ? answer.fault
                                                                                   : wire.status.substr(0, 3);
}

}  // namespace

ImitationModel::ImitationModel(std::vector<ModelAnswer> script, Hooks hooks)
    : hooks_(std::move(hooks)),
      script_(std::move(script)),
      given_(script_.size(), 0),
      listener_([this](Peer& peer, const HttpRequest& request) { Handle(peer, request); }) {}

void ImitationModel::SetWeather(const Weather& weather) {
  const std::lock_guard lock(mutex_);
  weather_ = weather;
  listener_.Refuse(weather.word == "refuse");
}

std::vector<ImitationModel::Served> ImitationModel::served() const {
  const std::lock_guard lock(mutex_);
  return served_;
}

int64_t ImitationModel::calls(const std::string& got) const {
  const std::lock_guard lock(mutex_);
  return std::count_if(served_.begin(), served_.end(),
                       [&](const Served& call) { return got.empty() || call.got == got; });
}

void ImitationModel::Handle(Peer& peer, const HttpRequest& http) {
  const std::string line = http.Line();
  const json body = json::parse(http.body, nullptr, false);
  ModelRequest request;
  if (line.find(":countTokens") != std::string::npos) {
    if (hooks_.other) hooks_.other("count 200");
    return Send(peer, {.headers = {}, .pieces = {R"({"totalTokens":1000})"}}, 0);
  }
  if (line.starts_with("POST /v1/chat/completions ") && body.is_object()) {
    request = {.protocol = Protocol::kOpenAi,
               .model = body.value("model", ""),
               .turn = ChatTurn(body),
               .stream = body.value("stream", false),
               .wants_usage = body.value("/stream_options/include_usage"_json_pointer, false)};
    return Generate(peer, http, request);
  }
  if (line.find("enerateContent") != std::string::npos && body.is_object()) {
    request = {.protocol = Protocol::kGemini,
               .model = Between(line, "models/", ":"),
               .turn = GeminiTurn(body),
               .stream = line.find(":stream") != std::string::npos};
    return Generate(peer, http, request);
  }
  if (hooks_.other) hooks_.other("other " + line);
  Send(peer, {.status = "404 NOT_FOUND", .headers = {}, .pieces = {R"({"error":{"code":404,"message":"unknown"}})"}},
       0);
}

ModelAnswer ImitationModel::Choose(const HttpRequest& http, const ModelRequest& request, bool* found) {
  *found = true;
  const std::string& word = weather_.word;
  // In bad weather nobody gets an answer; one that breaks off must have begun with what it would have been.
  if (word != "clear" && word != "refuse" && word != "cut" && word != "torn") {
    ModelAnswer fault{.fault = word};
    if (weather_.retry_after_s > 0) fault.retry_after_s = weather_.retry_after_s;
    return fault;
  }
  for (size_t i = 0; i < script_.size(); ++i) {
    const ModelAnswer& answer = script_[i];
    const bool fits =
        (answer.turn == 0 || answer.turn == request.turn) && (answer.model.empty() || answer.model == request.model) &&
        (answer.times == 0 || given_[i] < answer.times) && http.body.find(answer.when) != std::string::npos;
    if (!fits) continue;
    ModelAnswer chosen = answer;
    if (word == "cut" || word == "torn") {
      chosen.fault = word;
    } else {
      ++given_[i];
    }
    return chosen;
  }
  *found = false;
  return {};
}

void ImitationModel::Generate(Peer& peer, const HttpRequest& http, ModelRequest request) {
  ModelAnswer answer;
  Wire wire;
  Served served{.request = request, .got = {}, .head = http.head, .body = http.body};
  {
    const std::lock_guard lock(mutex_);
    bool found = false;
    answer = Choose(http, request, &found);
    wire = found ? Render(answer, request) : RenderNoAnswer(request);
    served.got = found ? GotOf(answer, wire) : "none";
    served_.push_back(served);
    if (hooks_.served) hooks_.served(served);
  }
  Send(peer, wire, answer.delay_s);
}

void ImitationModel::Send(Peer& peer, const Wire& wire, double delay_s) {
  size_t length = 0;
  for (const std::string& piece : wire.pieces) length += piece.size();
  std::string head = "HTTP/1.1 " + wire.status + "\r\nContent-Type: " + wire.content_type + "\r\n";
  for (const std::string& header : wire.headers) head += header + "\r\n";
  if (wire.breaks_off) {
    head += "Content-Length: 1000000\r\n";
  } else if (!wire.hangs && wire.content_type == "application/json") {
    head += "Content-Length: " + std::to_string(length) + "\r\n";
  }
  peer.Send(head + "Connection: close\r\n\r\n");
  const auto gone = [this] {
    if (hooks_.other) hooks_.other("gone -");
  };
  if (delay_s > 0 && !peer.Pause(delay_s)) return gone();
  for (const std::string& piece : wire.pieces) {
    peer.Send(piece);
    if (wire.pause_s > 0 && !peer.Pause(wire.pause_s)) return gone();
  }
  if (!wire.hangs) return;
  ++hanging_;
  peer.WaitUntilGone();
  --hanging_;
  gone();
}

}  // namespace wfe::imitation
