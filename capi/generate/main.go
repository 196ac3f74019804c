// Generate writes what follows from include/mcd.h: the guarded entry points (guard.c), the list of exported symbols
// (exports.txt), the linker's version script (mcd.map) and the reference page (docs/reference/mcd.h.md). Run it by
// `go generate ./capi`.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

func main() {
	header, err := os.ReadFile(filepath.Join("..", "include", "mcd.h"))
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range Files(string(header)) {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// prototype is one declaration of the header: `result name(parameters)`.
type prototype struct{ result, name, parameters string }

var (
	comment     = regexp.MustCompile(`(?s)/\*.*?\*/`)
	space       = regexp.MustCompile(`\s+`)
	declaration = regexp.MustCompile(`MCD_API (const char \*|mcd_status )(mcd_\w+)\(([^)]*)\);`)
	lastName    = regexp.MustCompile(`\w+$`)
)

// private are the entry points that tests use; they are no part of the header.
var private = []prototype{{"mcd_status ", "mcd_private_fault", "int32_t what, int64_t count"}}

// prototypes returns the declarations of a header in its order.
func prototypes(header string) []prototype {
	flat := space.ReplaceAllString(comment.ReplaceAllString(header, ""), " ")
	var all []prototype
	for _, m := range declaration.FindAllStringSubmatch(flat, -1) {
		all = append(all, prototype{m[1], m[2], m[3]})
	}
	return all
}

// Files returns the generated files by name.
func Files(header string) map[string][]byte {
	public := prototypes(header)
	return map[string][]byte{
		"guard.c":     guard(append(public, private...)),
		"exports.txt": exports(append(public, private...)),
		"mcd.map":     versionScript(public),

		filepath.Join("..", "docs", "reference", "mcd.h.md"): reference(header),
	}
}

func guard(all []prototype) []byte {
	var b bytes.Buffer
	b.WriteString("/* Code generated from mcd.h by generate; DO NOT EDIT. */\n#include \"guard.h\"\n")
	for _, p := range all {
		if p.result != "mcd_status " {
			continue // written by hand in runtime.c: these must work without Go
		}
		fmt.Fprintf(&b, "\nextern mcd_status go_%s(%s);\nmcd_status %s(%s) {\n    return mcd_alive() ? go_%s(%s) : mcd_forked();\n}\n",
			p.name, p.parameters, p.name, p.parameters, p.name, strings.Join(arguments(p.parameters), ", "))
	}
	return b.Bytes()
}

func arguments(parameters string) []string {
	if parameters == "void" {
		return nil
	}
	var names []string
	for _, p := range strings.Split(parameters, ",") {
		names = append(names, lastName.FindString(strings.TrimSpace(p)))
	}
	return names
}

func exports(all []prototype) []byte {
	var names []string
	for _, p := range all {
		names = append(names, p.name)
	}
	sort.Strings(names)
	return []byte(strings.Join(names, "\n") + "\n")
}

func versionScript(public []prototype) []byte {
	var b bytes.Buffer
	b.WriteString("/* Code generated from mcd.h by generate; DO NOT EDIT. */\nMCD_1.0 {\n  global:\n")
	b.WriteString(indent(exports(public)))
	b.WriteString("  local:\n    *;\n};\n\nMCD_PRIVATE {\n  global:\n")
	b.WriteString(indent(exports(private)))
	b.WriteString("};\n")
	return b.Bytes()
}

func indent(names []byte) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(string(names)), "\n", ";\n    ") + ";\n"
}
