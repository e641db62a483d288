#include "activities/learning/records/text_index.h"

#include <sqlite3.h>

#include <set>

namespace wfe::learning {
namespace {

/// A question of more words is cut: each costs a walk through its list.
constexpr size_t kMaxWords = 200;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Error Failed(sqlite3* database, const char* what) {
  return Internal(std::string("the text index cannot ") + what + ": " + sqlite3_errmsg(database));
}

void BindText(sqlite3_stmt* statement, int at, std::string_view text) {
  sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

/// "count the words" -> `"count" OR "the" OR "words"`.  Bytes beyond ASCII belong to words.
std::string Question(std::string_view text) {
  std::string question;
  std::set<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && words.size() < kMaxWords && words.insert(word).second) {
      question += (question.empty() ? "\"" : " OR \"") + word + "\"";
    }
    word.clear();
  };
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        static_cast<unsigned char>(c) >= 0x80;
    if (letter) {
      word += c;
    } else {
      end_word();
    }
  }
  end_word();
  return question;
}

}  // namespace

struct TextIndex::Impl {
  std::unique_ptr<sqlite3, CloseDatabase> database;
  Statement remove;
  Statement insert;
  Statement find;
};

TextIndex::TextIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextIndex::TextIndex(TextIndex&&) noexcept = default;
TextIndex& TextIndex::operator=(TextIndex&&) noexcept = default;
TextIndex::~TextIndex() = default;

Result<TextIndex> TextIndex::Open() {
  auto impl = std::make_unique<Impl>();
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  impl->database.reset(database);
  if (opened != SQLITE_OK) return Failed(database, "be made");
  // One index of one thread, rebuilt from rows: nothing of it needs a journal.
  if (sqlite3_exec(database,
                   "PRAGMA journal_mode=OFF;"
                   "CREATE VIRTUAL TABLE texts USING fts5(title, tags, body, tokenize='porter unicode61 "
                   "remove_diacritics 2')",
                   nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Failed(database, "be made");
  }
  const auto prepare = [&](Statement& statement, const char* sql) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement.reset(raw);
    return code == SQLITE_OK;
  };
  if (!prepare(impl->remove, "DELETE FROM texts WHERE rowid = ?") ||
      !prepare(impl->insert, "INSERT INTO texts(rowid, title, tags, body) VALUES (?, ?, ?, ?)") ||
      !prepare(impl->find,
               "SELECT rowid, -bm25(texts, 3.0, 2.0, 1.0) AS relevance FROM texts WHERE texts MATCH ? "
               "ORDER BY relevance DESC, rowid DESC")) {
    return Failed(database, "be asked");
  }
  return TextIndex(std::move(impl));
}

Status TextIndex::Put(int64_t row, std::string_view title, std::string_view tags, std::string_view body) {
  sqlite3_stmt* const remove = impl_->remove.get();
  sqlite3_stmt* const insert = impl_->insert.get();
  sqlite3_bind_int64(remove, 1, row);
  const int removed = sqlite3_step(remove);
  sqlite3_reset(remove);
  if (removed != SQLITE_DONE) return Failed(impl_->database.get(), "be written");
  sqlite3_bind_int64(insert, 1, row);
  BindText(insert, 2, title);
  BindText(insert, 3, tags);
  BindText(insert, 4, body);
  const int inserted = sqlite3_step(insert);
  sqlite3_reset(insert);
  sqlite3_clear_bindings(insert);
  return inserted == SQLITE_DONE ? Ok() : Status(Failed(impl_->database.get(), "be written"));
}

Result<std::vector<TextIndex::Match>> TextIndex::Find(std::string_view text) const {
  std::vector<Match> matches;
  const std::string question = Question(text);
  if (question.empty()) return matches;
  sqlite3_stmt* const find = impl_->find.get();
  BindText(find, 1, question);
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(find)) == SQLITE_ROW) {
    matches.push_back({.row = sqlite3_column_int64(find, 0), .relevance = sqlite3_column_double(find, 1)});
  }
  sqlite3_reset(find);
  sqlite3_clear_bindings(find);
  if (step != SQLITE_DONE) return Failed(impl_->database.get(), "be asked");
  return matches;
}

}  // namespace wfe::learning
