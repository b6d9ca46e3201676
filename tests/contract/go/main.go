// Command sumdbcheck answers, with the code of Go's own checksum database, whether signed notes,
// inclusion proofs and consistency proofs hold. It reads one JSON object and prints one answer a
// line for each question, "ok" or the reason why not.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	// A signed checkpoint and the only key that may have signed it.
	Note string `json:"note"`
	Vkey string `json:"vkey"`

	// Record (the entry's bytes) stands at Index of the tree of Size under Root.
	Record []byte    `json:"record"`
	Index  int64     `json:"index"`
	Size   int64     `json:"size"`
	Root   tlog.Hash `json:"root"`

	// The tree of Size under Root extends the tree of Old under OldRoot.
	Old     int64     `json:"old"`
	OldRoot tlog.Hash `json:"old_root"`

	Proof []tlog.Hash `json:"proof"`
	Kind  string      `json:"kind"`
}

func answer(q question) error {
	switch q.Kind {
	case "note":
		verifier, err := note.NewVerifier(q.Vkey)
		if err != nil {
			return err
		}
		_, err = note.Open([]byte(q.Note), note.VerifierList(verifier))
		return err
	case "inclusion":
		return tlog.CheckRecord(q.Proof, q.Size, q.Root, q.Index, tlog.RecordHash(q.Record))
	case "consistency":
		return tlog.CheckTree(q.Proof, q.Size, q.Root, q.Old, q.OldRoot)
	}
	return fmt.Errorf("no such question: %q", q.Kind)
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, q := range questions {
		if err := answer(q); err != nil {
			fmt.Fprintln(out, err)
		} else {
			fmt.Fprintln(out, "ok")
		}
	}
}
