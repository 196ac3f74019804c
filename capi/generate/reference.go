package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

var (
	section  = regexp.MustCompile(`^/\* -{20,} ([\w ]+) \*/$`)
	function = regexp.MustCompile(`\bMCD_API [^(]*?\b(mcd_\w+)\(`)
	chapter  = regexp.MustCompile(`^[A-Z][A-Z ]+$`)
	bare     = regexp.MustCompile(`\b(mcd_\w+(?:\(\))?|MCD_\w+|NULL|[a-z_]+\[\w+\](?:\[\w+\])*)`)
)

// reference returns the header's comments as a page: what stands above the first declaration as text, by its headings in
// capitals, then for every comment the declarations that it is about.
func reference(header string) []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Code generated from include/mcd.h by generate; DO NOT EDIT. -->\n# mcd.h\n")
	head, rest, _ := strings.Cut(strings.TrimPrefix(header, "/*\n"), "*/")
	for _, paragraph := range strings.Split(head, "\n *\n") {
		words := strings.Split(strings.ReplaceAll(paragraph, "\n *", "\n"), "\n")
		if first := strings.Trim(words[0], " *"); chapter.MatchString(first) {
			fmt.Fprintf(&b, "\n## %s\n", first[:1]+strings.ToLower(first[1:]))
			words = words[1:]
		}
		fmt.Fprintf(&b, "\n%s\n", prose(strings.TrimPrefix(strings.Join(words, "\n"), " *")))
	}
	_, rest, _ = strings.Cut(rest, "#endif\n\n/* Version")
	b.WriteString("\n## Version, statuses, objects\n")
	body, _, _ := strings.Cut("/* Version"+rest, "#ifdef __cplusplus")
	for _, block := range blocks(body) {
		if m := section.FindStringSubmatch(block.comment); m != nil {
			title := m[1]
			fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(title[:1])+title[1:])
			continue
		}
		var names []string
		for _, m := range function.FindAllStringSubmatch(block.code, -1) {
			names = append(names, m[1])
		}
		if len(names) > 0 {
			fmt.Fprintf(&b, "\n### %s\n", strings.Join(names, ", "))
		}
		if block.code != "" {
			fmt.Fprintf(&b, "\n```c\n%s\n```\n", strings.ReplaceAll(block.code, "MCD_API ", ""))
		}
		if block.comment != "" {
			fmt.Fprintf(&b, "\n%s\n", prose(strings.TrimSuffix(strings.TrimPrefix(block.comment, "/*"), "*/")))
		}
	}
	return b.Bytes()
}

// block is a comment and the declarations below it, up to an empty line or the next comment that begins a line.
type block struct{ comment, code string }

func blocks(body string) []block {
	var all []block
	var comment, code []string
	flush := func() {
		if len(comment)+len(code) > 0 {
			all = append(all, block{strings.Join(comment, "\n"), strings.Join(code, "\n")})
		}
		comment, code = nil, nil
	}
	inside := false
	for _, line := range strings.Split(body, "\n") {
		switch {
		case inside || strings.HasPrefix(line, "/*"):
			if !inside && len(comment)+len(code) > 0 {
				flush()
			}
			comment = append(comment, line)
			inside = !strings.Contains(line, "*/")
		case strings.TrimSpace(line) == "":
			flush()
		default:
			code = append(code, line)
		}
	}
	flush()
	return all
}

// prose is a comment's text as Markdown: without its stars, names of the interface as code, what Markdown would take for markup
// escaped.
func prose(comment string) string {
	var lines []string
	for _, line := range strings.Split(comment, "\n") {
		lines = append(lines, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "* ")))
	}
	text := strings.NewReplacer("<", "&lt;", "*", "\\*", "|", "\\|").Replace(strings.TrimSpace(strings.Join(lines, "\n")))
	return bare.ReplaceAllString(text, "`$1`")
}
