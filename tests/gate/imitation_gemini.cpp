// An imitation of the Gemini API on 127.0.0.1 whose weather can be changed while it runs, for tests of the built program.
//
//   imitation_gemini --port-file FILE --answers FILE --weather FILE --log FILE
//
// answers   JSON lines {"when": TEXT, "turn": N, "delay_s": S, "response": [CHUNK …]}: the answer to a request whose body
//           holds TEXT and that has N - 1 rounds of function responses; after S seconds of silence.
// weather   one word, read at every request: clear; 503; 429 SECONDS (with a retry delay); cut (the stream ends in the
//           middle of an answer); refuse (nobody listens).  A missing file is clear weather.
// log       one line for each call that reached it: seconds since the start, what it was, what it got.
// The port goes into its file once it listens.  It ends with its parent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Answer {
  std::string when;
  int turn = 1;
  double delay_s = 0;
  std::vector<json> chunks;
};

struct Weather {
  std::string word = "clear";
  double delay_s = 0;
};

std::map<std::string, std::string> g_options;
std::vector<Answer> g_answers;
const Clock::time_point g_start = Clock::now();

[[noreturn]] void Die(const std::string& why) {
  std::cerr << "imitation_gemini: " << why << "\n";
  std::exit(2);
}

std::vector<Answer> ReadAnswers(const std::string& path) {
  std::ifstream in(path);
  if (!in) Die("cannot read " + path);
  std::vector<Answer> answers;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    const json object = json::parse(line);
    answers.push_back({.when = object.value("when", ""),
                       .turn = object.value("turn", 1),
                       .delay_s = object.value("delay_s", 0.0),
                       .chunks = object.at("response").get<std::vector<json>>()});
  }
  return answers;
}

Weather ReadWeather() {
  Weather weather;
  std::ifstream in(g_options["--weather"]);
  if (std::string word; in >> word) weather.word = word;
  in >> weather.delay_s;
  return weather;
}

void Log(const std::string& what, const std::string& got) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::ofstream out(g_options["--log"], std::ios::app);
  char time[32];
  std::snprintf(time, sizeof time, "%.2f", std::chrono::duration<double>(Clock::now() - g_start).count());
  out << time << " " << what << " " << got << "\n";
}

void Send(int peer, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(peer, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<size_t>(count);
  }
}

void SendBody(int peer, const std::string& status, const std::string& type, const std::string& body) {
  Send(peer, "HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
                 "\r\nConnection: close\r\n\r\n" + body);
}

/// Head and body of one request; false when the client went away.
bool Receive(int peer, std::string* head, std::string* body) {
  std::string bytes;
  size_t body_at = std::string::npos;
  size_t length = 0;
  while (body_at == std::string::npos || bytes.size() < body_at + length) {
    char piece[65536];
    const ssize_t got = recv(peer, piece, sizeof piece, 0);
    if (got <= 0) return false;
    bytes.append(piece, static_cast<size_t>(got));
    const size_t end = bytes.find("\r\n\r\n");
    if (body_at != std::string::npos || end == std::string::npos) continue;
    body_at = end + 4;
    std::string lower = bytes.substr(0, body_at);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const size_t header = lower.find("content-length: ");
    if (header != std::string::npos) length = std::stoul(lower.substr(header + 16));
    if (lower.find("expect: 100-continue") != std::string::npos) Send(peer, "HTTP/1.1 100 Continue\r\n\r\n");
  }
  *head = bytes.substr(0, body_at);
  *body = bytes.substr(body_at);
  return true;
}

/// 1, and one more for each content of the conversation that answers function calls.
int TurnOf(const json& request) {
  int turn = 1;
  for (const json& content : request.value("contents", json::array())) {
    for (const json& part : content.value("parts", json::array())) {
      if (!part.contains("functionResponse")) continue;
      ++turn;
      break;
    }
  }
  return turn;
}

const Answer* Find(const std::string& body, int turn) {
  for (const Answer& answer : g_answers) {
    if (answer.turn == turn && body.find(answer.when) != std::string::npos) return &answer;
  }
  return nullptr;
}

void SendError(int peer, int code, const std::string& status, const std::string& message, const json& details) {
  const json body = {{"error", {{"code", code}, {"message", message}, {"status", status}, {"details", details}}}};
  SendBody(peer, std::to_string(code) + " " + status, "application/json", body.dump());
}

/// True until the client goes away.
bool WaitFor(int peer, double seconds) {
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < until) {
    pollfd waiting{peer, POLLIN, 0};
    char byte;
    if (poll(&waiting, 1, 100) > 0 && recv(peer, &byte, 1, MSG_PEEK) <= 0) return false;
  }
  return true;
}

void Generate(int peer, const std::string& body, bool stream) {
  const Weather weather = ReadWeather();
  if (weather.word == "503") {
    Log("generate", "503");
    return SendError(peer, 503, "UNAVAILABLE", "The model is overloaded.", json::array());
  }
  if (weather.word == "429") {
    std::ostringstream delay;
    delay << weather.delay_s << "s";
    Log("generate", "429");
    return SendError(peer, 429, "RESOURCE_EXHAUSTED", "Too many requests.",
                     {{{"@type", "type.googleapis.com/google.rpc.RetryInfo"}, {"retryDelay", delay.str()}}});
  }
  const json request = json::parse(body, nullptr, false);
  const Answer* answer = request.is_object() ? Find(body, TurnOf(request)) : nullptr;
  if (answer == nullptr) {
    Log("generate", "400");
    return SendError(peer, 400, "INVALID_ARGUMENT", "The imitation has no answer for this request.", json::array());
  }
  if (weather.word == "cut") {
    Log("generate", "cut");
    const std::string half = "data: " + answer->chunks.front().dump();
    return Send(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000000\r\n\r\n" +
                          half.substr(0, half.size() / 2));
  }
  Log("generate", answer->delay_s > 0 ? "200 after " + std::to_string(static_cast<int>(answer->delay_s)) + " s" : "200");
  if (!stream) {
    if (!WaitFor(peer, answer->delay_s)) return Log("gone", "-");
    return SendBody(peer, "200 OK", "application/json", answer->chunks.back().dump());
  }
  Send(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
  if (!WaitFor(peer, answer->delay_s)) return Log("gone", "-");
  for (const json& chunk : answer->chunks) Send(peer, "data: " + chunk.dump() + "\r\n\r\n");
}

void Serve(int peer) {
  std::string head;
  std::string body;
  if (Receive(peer, &head, &body)) {
    const std::string line = head.substr(0, head.find("\r\n"));
    if (line.find(":countTokens") != std::string::npos) {
      Log("count", "200");
      SendBody(peer, "200 OK", "application/json", R"({"totalTokens":1000})");
    } else if (line.find("enerateContent") != std::string::npos) {
      Generate(peer, body, line.find(":stream") != std::string::npos);
    } else {
      Log("other", line);
      SendError(peer, 404, "NOT_FOUND", "The imitation does not know this address.", json::array());
    }
  }
  close(peer);
}

int Listen(uint16_t* port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(*port);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 64) != 0) {
    Die("cannot listen on port " + std::to_string(*port));
  }
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return listener;
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 1; i + 1 < argc; i += 2) g_options[argv[i]] = argv[i + 1];
  for (const char* name : {"--port-file", "--answers", "--weather", "--log"}) {
    if (!g_options.contains(name)) Die(std::string("needs ") + name);
  }
  g_answers = ReadAnswers(g_options["--answers"]);
  uint16_t port = 0;
  int listener = Listen(&port);
  std::ofstream(g_options["--port-file"]) << port << std::endl;
  for (;;) {
    if (ReadWeather().word == "refuse") {
      if (listener >= 0) close(listener);
      listener = -1;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    if (listener < 0) listener = Listen(&port);
    pollfd waiting{listener, POLLIN, 0};
    if (poll(&waiting, 1, 50) <= 0) continue;
    const int peer = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer >= 0) std::thread(Serve, peer).detach();
  }
}
