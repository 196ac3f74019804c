package exchange

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// referee judges buffers, each behind its length, by the code that flatc generates for C++: one byte a buffer, '1' if it is fine.
const referee = `
#include "mcd_generated.h"
#include <cstdio>
#include <vector>
int main() {
    for (std::uint32_t n; std::fread(&n, sizeof n, 1, stdin) == 1;) {
        std::vector<std::uint64_t> aligned(n / 8 + 1);
        const auto *data = reinterpret_cast<const std::uint8_t *>(aligned.data());
        if (std::fread(aligned.data(), 1, n, stdin) != n) return 1;
        flatbuffers::Verifier verifier(data, n, 64, 1000000);
        std::putchar(mcd::exchange::VerifyDocumentBuffer(verifier) ? '1' : '0');
    }
}
`

// TestVerifierAgreesWithCpp: what verify lets pass, the C++ verifier does too, and what only verify refuses is refused for what
// it asks beyond those rules: overlap.
func TestVerifierAgreesWithCpp(t *testing.T) {
	folder := t.TempDir()
	source, program := filepath.Join(folder, "referee.cpp"), filepath.Join(folder, "referee")
	require.NoError(t, os.WriteFile(source, []byte(referee), 0o644))
	schema, err := filepath.Abs(filepath.Join("..", "..", "include", "mcd.fbs"))
	require.NoError(t, err)
	if _, err := exec.LookPath("flatc"); err != nil {
		t.Skip("flatc is not installed: apt-get install flatbuffers-compiler")
	}
	if exec.Command("g++", "-fsyntax-only", "-include", "flatbuffers/flatbuffers.h", "-x", "c++", os.DevNull).Run() != nil {
		t.Skip("g++ or the headers of FlatBuffers are not installed: apt-get install g++ libflatbuffers-dev")
	}
	for _, command := range [][]string{{"flatc", "--cpp", "-o", folder, schema}, {"g++", "-std=c++17", "-O1", "-I", folder, source, "-o", program}} {
		said, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}

	r := rand.New(rand.NewPCG(3, 4))
	var buffers [][]byte
	for _, good := range [][]byte{example().Encode(), deviceExample().Encode()} {
		buffers = append(buffers, good)
		for range 10_000 {
			buffers = append(buffers, mutate(r, good))
		}
		for n := range len(good) {
			buffers = append(buffers, good[:n:n])
		}
	}
	var input bytes.Buffer
	for _, b := range buffers {
		input.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(b))))
		input.Write(b)
	}
	judge := exec.Command(program)
	judge.Stdin = &input
	verdicts, err := judge.Output()
	require.NoError(t, err)
	require.Len(t, verdicts, len(buffers))
	fine := 0
	for i, b := range buffers {
		switch err := verify(b); {
		case err == nil:
			fine++
			require.Equal(t, "1", string(verdicts[i]), "buffer %d: only C++ refuses it", i)
		case verdicts[i] == '1':
			require.ErrorContains(t, err, "overlap", "buffer %d: only Go refuses it", i)
		}
	}
	require.Greater(t, fine, 100)
	t.Logf("%d of %d buffers are fine by both", fine, len(buffers))
}
