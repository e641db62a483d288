// Files as documents: what is read, what is converted, and what is marked with which words.
#include "tools/wfe/batch_documents.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/activities/agent/agent_test_support.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BatchDocuments : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    const fs::path path = dir_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  batch::Document Read(const std::string& bytes) {
    const std::string path = Write("file", bytes);
    return ReadDocument({.name = "file", .path = path});
  }

  TempDir dir_;
};

TEST_F(BatchDocuments, AreReadInTheOrderOfTheirNamesAndLinksAreMarked) {  // BP-1
  Write("b.txt", "x");
  Write("a/z.txt", "x");
  Write(".git/config", "x");
  Write(".hidden", "x");
  fs::create_symlink("/etc/passwd", dir_ / "link");
  fs::create_directory_symlink("/etc", dir_ / "etc");
  const auto files = DocumentsBelow(dir_.path());
  ASSERT_TRUE(files.has_value());
  std::vector<std::string> names;
  for (const DocumentFile& file : *files) names.push_back(file.name);
  EXPECT_THAT(names, ElementsAre("a/z.txt", "b.txt", "etc", "link"));
  EXPECT_EQ(ReadDocument(files->at(1)).fault, "");
  for (size_t i = 2; i < 4; ++i) EXPECT_EQ(ReadDocument(files->at(i)).fault, "it is a symbolic link; links are not followed");
  EXPECT_EQ(DocumentsBelow(dir_ / "nothing").error().code, StatusCode::kNotFound);
}

TEST_F(BatchDocuments, AreUtf8OrMarkedUtf16) {
  EXPECT_EQ(Read("caf\xC3\xA9").text, "caf\xC3\xA9");
  EXPECT_EQ(Read("\xEF\xBB\xBFhi").text, "hi");
  EXPECT_EQ(Read(std::string("\xFF\xFEh\0i\0", 6)).text, "hi");
  EXPECT_EQ(Read(std::string("\xFE\xFF\0h\0i", 6)).text, "hi");
  EXPECT_THAT(Read("caf\xE9").fault, HasSubstr("neither UTF-8"));
  EXPECT_THAT(Read(std::string("\xFF\xFE\x00\xD8", 4)).fault, HasSubstr("begins as UTF-16"));
}

TEST_F(BatchDocuments, ThatAreNoneSayWhy) {
  EXPECT_EQ(Read("").fault, "it is empty");
  EXPECT_EQ(Read(" \n").fault, "it is empty");
  EXPECT_THAT(Read(std::string("ELF\0\0", 5)).fault, HasSubstr("zero bytes"));
  EXPECT_THAT(Read("%PDF-1.7\n").fault, HasSubstr("pdftotext"));
  EXPECT_EQ(ReadDocument({.name = "x", .path = dir_ / "nothing"}).fault, "there is no such file");
  EXPECT_EQ(ReadDocument({.name = "x", .path = dir_.path()}).fault, "it is no file");
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadDocument({.name = "x", .path = dir_ / "pipe"}).fault, "it is no file");
  const std::string huge = Write("huge", "");
  fs::resize_file(huge, 500 << 20);
  const batch::Document document = ReadDocument({.name = "huge", .path = huge});
  EXPECT_EQ(document.fault, "it has 524288000 bytes; the limit of a document is 4194304");
  EXPECT_EQ(document.text, "");
}

TEST_F(BatchDocuments, AreAsLongAsTheConfigurationAllows) {  // BP-1, CF-1
  const std::string path = Write("long", std::string(2000, 'x'));
  DocumentsConfig limits;
  limits.max_batch_text_bytes = 1999;
  EXPECT_EQ(ReadDocument({.name = "long", .path = path}, limits).fault,
            "it has 2000 bytes; the limit of a document is 1999");
  limits.max_batch_text_bytes = 2000;
  EXPECT_EQ(ReadDocument({.name = "long", .path = path}, limits).text.size(), 2000U);
  limits.max_file_bytes = 1000;
  const std::string packed = Write("long.pdf", "%PDF-1.7\n" + std::string(2000, 'x'));
  EXPECT_EQ(ReadDocument({.name = "long.pdf", .path = packed}, limits).fault,
            "it has 2009 bytes; the limit of a document is 1000");
}

TEST_F(BatchDocuments, OfAListKeepItsOrder) {
  const std::string list = Write("list", "z.txt\r\n\na.txt\n");
  const auto files = DocumentsOfList(list);
  ASSERT_TRUE(files.has_value());
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].path, "z.txt");
  EXPECT_EQ((*files)[1].path, "a.txt");
}

}  // namespace
}  // namespace wfe::cli
