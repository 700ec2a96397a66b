// Verifies a log of georder by Go's sumdb, the code that checks Go's own checksum database: notes by
// golang.org/x/mod/sumdb/note, tiles and proofs by golang.org/x/mod/sumdb/tlog, ECDSA by crypto/ecdsa.
//
//	verify_log log DIRECTORY JWK              each record by the log's tiles, which are checked
//	verify_log receipt FILE JWK               the inclusion proof of a tlog-proof
//	verify_log compare OLD NEW JWK PROOF      two checkpoints; PROOF has a base64 hash a line
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An ECDSA key as C2SP signed-note type 0x02 has it; the package itself knows Ed25519 only.
type verifier struct {
	name string
	key  *ecdsa.PublicKey
	id   uint32
}

func (v *verifier) Name() string    { return v.name }
func (v *verifier) KeyHash() uint32 { return v.id }
func (v *verifier) Verify(message, signature []byte) bool {
	digest := sha256.Sum256(message)
	return ecdsa.VerifyASN1(v.key, digest[:], signature)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "does not verify:", err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err)
	return data
}

func number(text string) *big.Int {
	data, err := base64.RawURLEncoding.DecodeString(text)
	must(err)
	return new(big.Int).SetBytes(data)
}

func keyOf(jwk []byte, name string) *verifier {
	var members struct{ Crv, X, Y string }
	must(json.Unmarshal(jwk, &members))
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384()}
	key := &ecdsa.PublicKey{Curve: curves[members.Crv], X: number(members.X), Y: number(members.Y)}
	if key.Curve == nil || !key.Curve.IsOnCurve(key.X, key.Y) {
		must(errors.New("no key of P-256 or P-384"))
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	must(err)
	digest := sha256.Sum256(spki)
	return &verifier{name, key, binary.BigEndian.Uint32(digest[:])}
}

// The checkpoint's text is signed by this key; its first line is the key's name.
func open(message, jwk []byte) tlog.Tree {
	origin := strings.SplitN(string(message), "\n", 2)[0]
	opened, err := note.Open(message, note.VerifierList(keyOf(jwk, origin)))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		must(errors.New("the checkpoint has not three lines"))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: root}
}

// C2SP tlog-tiles leaves the tiles' height, which is 8, out of their names.
type tiles struct{ directory string }

func (t tiles) Height() int { return 8 }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range wanted {
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		one, err := os.ReadFile(filepath.Join(t.directory, name))
		if err != nil {
			return nil, err
		}
		data = append(data, one)
	}
	return data, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func verifyLog(directory, jwk string) {
	tree := open(read(filepath.Join(directory, "checkpoint")), read(jwk))
	reader := tlog.TileHashReader(tree, tiles{directory})
	names, err := filepath.Glob(filepath.Join(directory, "records", "*.jsonl"))
	must(err)
	sort.Strings(names)
	index := int64(0)
	for _, name := range names {
		for _, line := range bytes.Split(bytes.TrimSuffix(read(name), []byte("\n")), []byte("\n")) {
			proof, err := tlog.ProveRecord(tree.N, index, reader)
			must(err)
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(line)))
			index++
		}
	}
	if index != tree.N {
		must(fmt.Errorf("%d records, but the checkpoint is of %d", index, tree.N))
	}
	fmt.Println(index, "records are in the tree")
}

func hashes(lines []string) []tlog.Hash {
	var out []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err)
		out = append(out, hash)
	}
	return out
}

func verifyReceipt(file, jwk string) {
	parts := strings.SplitN(string(read(file)), "\n\n", 2)
	head := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(head) < 3 || head[0] != "c2sp.org/tlog-proof@v1" {
		must(errors.New("no tlog-proof"))
	}
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(head[1], "extra "))
	must(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(head[2], "index "), 10, 64)
	must(err)
	line := bytes.SplitN(extra, []byte("\n"), 2)[0]
	tree := open([]byte(parts[1]), read(jwk))
	must(tlog.CheckRecord(hashes(head[3:]), tree.N, tree.Hash, index, tlog.RecordHash(line)))
	fmt.Println("record", index, "is among the first", tree.N)
}

func compare(before, now, jwk, proof string) {
	old, new := open(read(before), read(jwk)), open(read(now), read(jwk))
	must(tlog.CheckTree(hashes(strings.Fields(string(read(proof)))), new.N, new.Hash, old.N, old.Hash))
	fmt.Println("the tree of", new.N, "has grown out of that of", old.N)
}

func main() {
	arguments := append(os.Args, "", "", "", "", "")
	switch arguments[1] {
	case "log":
		verifyLog(arguments[2], arguments[3])
	case "receipt":
		verifyReceipt(arguments[2], arguments[3])
	case "compare":
		compare(arguments[2], arguments[3], arguments[4], arguments[5])
	default:
		must(errors.New("usage: verify_log log|receipt|compare ..."))
	}
}
