package conformance

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// WriteSummary writes the page for people.
func WriteSummary(w io.Writer, when time.Time, machine string, runs []Run, cases []Case) {
	fmt.Fprintf(w, "# Conformance with RFC 9112 and RFC 9110\n\nMade by `make conformance`, %s, on %s.\n\n", when.UTC().Format("2006-01-02 15:04 UTC"), machine)
	fmt.Fprintln(w, `Every case is an exchange over real sockets, between a client and an endpoint that record every byte. The judge, `+"`test/conformance/strict`"+`,
shares no code with Poise. *Ambiguous*: what was forwarded is illegal by the grammar or could be read in two ways. *Smuggled*: a request
that was hidden behind faulty framing was served. *Clean*: what was forwarded is legal, whatever came; for a good part of the hostile
messages the RFCs allow a proxy to repair them, so this is no fault. *Same meaning*: an odd message went through with all that a MUST
has a proxy keep, take out or add; where Poise does more than that (it keeps trailers, and hosts to the letter), the others need not.
Some of the rest change by design or by default, and settings would change them back. The others run as Debian ships them, with the
configurations at the end of this page: a plain reverse proxy that passes the host and upgrades on and takes heads as large as Poise does.`)
	fmt.Fprintln(w)
	Table(w, runs, cases)
	for i := range runs {
		differences(w, &runs[i], cases)
	}
	stricter(w, cases)
	requirements(w, cases)
	setups(w, runs)
}

// setups shows how each proxy was run.
func setups(w io.Writer, runs []Run) {
	fmt.Fprint(w, "\n## How each was run\n\nFour processes each, side by side, with an endpoint of their own; PORT, LISTEN and ENDPOINT are chosen, DIR is empty.\n")
	for i := range runs {
		if runs[i].NotRun == "" {
			fmt.Fprintf(w, "\n```\n%s```\n", runs[i].Proxy.Setup())
		}
	}
}

func differences(w io.Writer, r *Run, cases []Case) {
	fmt.Fprintf(w, "\n## %s\n\n", r.Proxy.Name)
	if r.NotRun != "" {
		fmt.Fprintln(w, "NOT-RUN:", r.NotRun)
		return
	}
	both := []Group{OddRequest, OddAnswer}
	lines := []struct{ title, text string }{
		{"Ambiguous requests forwarded", r.families(cases, []Group{BadRequest}, Ambiguous)},
		{"Hidden requests served", r.families(cases, []Group{BadRequest}, Smuggled)},
		{"Ambiguous answers forwarded", r.families(cases, []Group{BadAnswer}, Ambiguous)},
		{"Answers to the wrong request", r.families(cases, []Group{BadAnswer}, Smuggled)},
		{"Broken answers made to look whole", r.families(cases, []Group{BadAnswer}, MadeWhole)},
		{"Odd messages refused", r.families(cases, both, Refused, Silent)},
		{"Odd messages that went through with another meaning", r.families(cases, both, Forwarded, Answered)},
		{"Odd messages forwarded in an illegal form", r.families(cases, both, Ambiguous, Smuggled)},
	}
	none := true
	for _, l := range lines {
		if l.text != "" {
			none = false
			fmt.Fprintf(w, "- %s: %s.\n", l.title, l.text)
		}
	}
	if none {
		fmt.Fprintln(w, "Nothing to report.")
	}
}

// stricter lists where Poise refuses what a MUST would let it take.
func stricter(w io.Writer, cases []Case) {
	fmt.Fprint(w, "\n## Where Poise refuses what it could take\n\n")
	counts := map[string]int{}
	var licences []string
	for i := range cases {
		if why := cases[i].Want.Why; why != "" {
			if counts[why]++; counts[why] == 1 {
				licences = append(licences, why)
			}
		}
	}
	slices.Sort(licences)
	for _, l := range licences {
		fmt.Fprintf(w, "- %s (%d cases).\n", l, counts[l])
	}
}

func requirements(w io.Writer, cases []Case) {
	all := Requirements(cases)
	open := 0
	for _, r := range all {
		if r.Uncovered != "" {
			open++
		}
	}
	fmt.Fprintf(w, "\n## Requirements\n\n%d are listed in `test/conformance/testdata/requirements.txt`, %d are shown by cases. Not shown:\n\n", len(all), len(all)-open)
	Uncovered(w, cases)
	fmt.Fprint(w, "\n| id | level | binds | says | cases |\n|---|---|---|---|--:|\n")
	for _, r := range all {
		if r.Uncovered == "" {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %d |\n", r.ID, r.Level, r.Binds, r.Text, r.Cases)
		}
	}
}

// Uncovered prints the requirements that no case shows, with the reason.
func Uncovered(w io.Writer, cases []Case) {
	for _, r := range Requirements(cases) {
		if r.Uncovered != "" || r.Cases == 0 {
			fmt.Fprintf(w, "- %s %s (%s): %s Not shown: %s.\n", r.ID, r.Level, r.Binds, r.Text, r.Uncovered)
		}
	}
}
