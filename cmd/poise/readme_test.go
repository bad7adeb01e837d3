package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	codeLine   = regexp.MustCompile("(?m)^    .*$|`[^`\n]+`|(?ms)^```.*?^```")
	makeTarget = regexp.MustCompile(`\bmake ([a-z]+)`)
	ownCommand = regexp.MustCompile(`(?:^|[\s/` + "`" + `])poise ([^&|#;` + "`" + `\n]+)`)
	targetLine = regexp.MustCompile(`(?m)^([a-z]+):(.*)$`)
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// targets are those of the Makefile, each with what help says of it.
func targets(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, m := range targetLine.FindAllStringSubmatch(read(t, "../../Makefile"), -1) {
		_, all[m[1]], _ = strings.Cut(m[2], "## ")
	}
	return all
}

func TestHelpKnowsEveryTarget(t *testing.T) {
	for name, help := range targets(t) {
		if help == "" {
			t.Errorf("make %s: write `## what it does` behind the target", name)
		}
	}
}

func TestReadmeNamesOnlyWhatExists(t *testing.T) {
	known := targets(t)
	seen := 0
	for _, code := range codeLine.FindAllString(read(t, "../../README.md"), -1) {
		for _, m := range makeTarget.FindAllStringSubmatch(code, -1) {
			seen++
			if _, ok := known[m[1]]; !ok {
				t.Errorf("the README says %q; the Makefile has no such target", m[0])
			}
		}
		for _, m := range ownCommand.FindAllStringSubmatch(code, -1) {
			seen++
			if err := understood(strings.Fields(m[1])); err != "" {
				t.Errorf("the README says %q; %s", strings.TrimSpace(m[0]), err)
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d commands were found in the README; does the test still read it?", seen)
	}
}

func TestReadmeCheckWouldCatchAWrongCommand(t *testing.T) {
	for _, wrong := range []string{"frobnicate", "serve --frobnicate"} {
		if understood(strings.Fields(wrong)) == "" {
			t.Errorf("%q passes; want it caught", wrong)
		}
	}
}

// understood says what is wrong with a command line of poise.
func understood(args []string) string {
	root := rootCommand()
	c, rest, err := root.Find(args)
	switch {
	case err != nil:
		return err.Error()
	case c == root:
		return "there is no such command"
	case c.Hidden:
		return "it is not built yet"
	}
	if err := c.ParseFlags(rest); err != nil {
		return err.Error()
	}
	return ""
}
