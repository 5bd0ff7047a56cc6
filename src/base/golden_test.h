// Reads tests/data/*.tsv: answers of CPython 3.11, written by tools/make_text_goldens.py.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace dray {

// "\t", "\n", "\\" and "\xNN" in a field stand for what they name.
inline std::string unescaped(const std::string& field) {
    std::string out;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] != '\\') {
            out += field[i];
        } else if (const char kind = field.at(++i); kind == 'x') {
            out += static_cast<char>(std::stoi(field.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            out += kind == 't' ? '\t' : kind == 'n' ? '\n' : kind;
        }
    }
    return out;
}

// The rows of a file, each with `columns` fields; at least `least` rows, so that a lost file is a failure.
inline std::vector<std::vector<std::string>> golden_rows(const std::string& file, std::size_t columns,
                                                         std::size_t least) {
    std::ifstream in(DRAY_TEST_DATA "/" + file, std::ios::binary);
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(in, line);) {
        std::vector<std::string> row(1);
        for (const char c : line) {
            if (c == '\t')
                row.emplace_back();
            else
                row.back() += c;
        }
        EXPECT_EQ(row.size(), columns) << file << ": " << line;
        for (std::string& field : row)
            field = unescaped(field);
        rows.push_back(std::move(row));
    }
    EXPECT_GE(rows.size(), least) << file;
    return rows;
}

}  // namespace dray
