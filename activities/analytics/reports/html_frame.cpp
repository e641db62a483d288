// The document around the parts of a page: head, the rail of sections, scripts.
#include "activities/analytics/reports/html_frame.h"

#include <cstdint>

#include "activities/analytics/reports/assets.h"
#include "engine/base/hash.h"

namespace wfe::analytics::reports {
namespace {

std::string Base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0U);
    }
    const size_t used = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 4; ++i) text += i <= used ? kDigits[group >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

void WriteHead(Markup& out, const std::string& title) {
  out.Open("head");
  out.Void("meta", {{"charset", "utf-8"}});
  out.Void("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", PagePolicy()}});
  out.Void("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  out.Void("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  out.Leaf("title", title);
  out.Embed("style", StyleSheet());
  out.Embed("script", ThemeScript());
  out.Close("head");
}

void WriteRail(Markup& out, const Frame& frame) {
  out.Open("nav", {{"class", "rail"}, {"aria-label", frame.site.empty() ? "Sections" : "Pages and sections"}});
  if (!frame.site.empty()) {
    out.Open("ol", {{"class", "site"}});
    for (const SiteLink& link : frame.site) {
      out.Open("li").Leaf("a", {{"href", link.href}, {"aria-current", link.is_current ? "page" : ""}}, link.text);
      out.Close("li");
    }
    out.Close("ol");
  }
  out.Open("ol");
  for (const RailEntry& section : frame.sections) {
    out.Open("li").Open("a", {{"href", "#" + section.anchor}}).Text(section.text);
    if (!section.note.empty()) out.Text(" ").Leaf("span", {{"class", "soft"}}, section.note);
    out.Close("a").Close("li");
  }
  out.Close("ol");
  // Without JavaScript the system's theme is the only one, and the buttons stay hidden.
  out.Open("div", {{"class", "themes"}, {"role", "group"}, {"aria-label", "Theme"}, {"hidden", "hidden"}});
  for (const std::string_view theme : {"auto", "light", "dark"}) {
    out.Leaf("button", {{"type", "button"}, {"data-theme", theme}, {"aria-pressed", "false"}}, theme);
  }
  out.Close("div").Close("nav");
}

}  // namespace

/// Should a text of a trace ever come through as markup, it stays without effect (SEC-M4).
std::string PagePolicy() {
  const auto allowed = [](std::string_view script) {
    const Sha256Digest digest = Sha256(Markup::Embedded(script));
    return " 'sha256-" + Base64(AsBytes(digest)) + "'";
  };
  return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src" +
         allowed(ThemeScript()) + allowed(PageScript());
}

void OpenFrame(Markup& out, const Frame& frame) {
  out.Raw("<!DOCTYPE html>\n").Open("html", {{"lang", "en"}});
  WriteHead(out, frame.title);
  out.Open("body");
  out.Leaf("a", {{"class", "skip"}, {"href", "#content"}}, frame.skip);
  out.Open("div", {{"class", "page"}});
  WriteRail(out, frame);
  out.Open("main", {{"id", "content"}});
}

void CloseFrame(Markup& out, const std::function<void(Markup&)>& foot) {
  out.Open("footer", {{"class", "soft"}});
  foot(out);
  out.Close("footer").Close("main").Close("div");
  out.Embed("script", PageScript());
  out.Close("body").Close("html");
}

void WriteLink(Markup& out, const Anchors& anchors, std::string_view css_class, const std::string& anchor,
               std::string_view text) {
  if (anchors.contains(anchor)) {
    out.Leaf("a", {{"class", css_class}, {"href", "#" + anchor}}, text);
  } else {
    out.Leaf("span", {{"class", css_class}}, text);
  }
}

void WriteTerm(Markup& out, std::string_view term, std::string_view text) {
  if (text.empty()) return;
  out.Open("div").Leaf("dt", term).Leaf("dd", text).Close("div");
}

std::string QueryAnchor(std::string_view id) { return AnchorOf("query-", id); }
std::string RunAnchor(std::string_view id) { return AnchorOf("run-", id); }

}  // namespace wfe::analytics::reports
