//go:build cgo

package emulation_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"mcd/cuda/kernels/emulation"

	"github.com/stretchr/testify/require"
)

// The kernels stay inside their memory and within the language: this test runs others of this package again, with an emulation
// that the address and the undefined-behaviour sanitizer watch.
func TestSanitized(t *testing.T) {
	if os.Getenv("MCD_EMULATION") != "" {
		t.Skip("this is the run that is watched")
	}
	runtime, err := exec.Command("gcc", "-print-file-name=libasan.so").Output()
	if err != nil || !strings.Contains(string(runtime), "/") {
		t.Skip("gcc's address sanitizer is not installed")
	}
	path := built("libmcdemulation-sanitized.so")
	require.NoError(t, emulation.Build(path, "-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"))
	run := func(tests string) (string, error) {
		watched := exec.Command(os.Args[0], "-test.short", "-test.run", tests)
		watched.Env = append(os.Environ(), "MCD_EMULATION="+path, "LD_PRELOAD="+strings.TrimSpace(string(runtime)), "ASAN_OPTIONS=detect_leaks=0")
		out, err := watched.CombinedOutput()
		return string(out), err
	}
	out, err := run("TestPlantedPivot|TestWide|TestRanges|TestRunEnds|TestFirstOrder/gaussians|TestCombine")
	require.NoError(t, err, "%s", out)
	out, err = run("TestTooLittleSharedMemory")
	require.Error(t, err)
	require.Contains(t, out, "AddressSanitizer: heap-buffer-overflow")
}

// What the sanitizer must catch: it shows that it watches.
func TestTooLittleSharedMemory(t *testing.T) {
	if os.Getenv("MCD_EMULATION") == "" {
		t.Skip("only a sanitizer sees it")
	}
	s := strip(3, 9, 1)
	p := newProblem(t, s, rough(s, 1, 0.1))
	p.run(0)
	launch(p.device, "mcd_sweep_16", 1, 1, emulation.SweepShared(s.Width)/2, p.sweep)
}
