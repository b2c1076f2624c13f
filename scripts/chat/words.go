package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

var errQuote = errors.New("a quote is not closed")

// words takes a command's argument apart as a shell does: at white space that
// isn't within quotes or after a backslash.
func words(argument string) ([]string, error) {
	var all []string
	var word strings.Builder
	begun, quote, escaped := false, rune(0), false
	for _, r := range argument {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			begun, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			begun, quote = true, r
		case r == ' ' || r == '\t':
			if begun {
				all = append(all, word.String())
			}
			word.Reset()
			begun = false
		default:
			begun = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, errQuote
	}
	if begun {
		all = append(all, word.String())
	}
	return all, nil
}

// paths returns the files that an argument names. One that is a file's name as it
// stands, with spaces and all, needs no quotes.
func paths(argument string) ([]string, error) {
	if whole, err := absolute(argument); err == nil && argument != "" {
		if _, err := os.Stat(whole); err == nil {
			return []string{whole}, nil
		}
	}
	all, err := words(argument)
	if err != nil {
		return nil, err
	}
	for i, word := range all {
		if all[i], err = absolute(word); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// absolute is a path from the root, with ~ as the home folder.
func absolute(path string) (string, error) {
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		path = filepath.Join(home, strings.TrimPrefix(path[1:], "/"))
	}
	return filepath.Abs(path)
}
