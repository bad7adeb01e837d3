// Package conformance holds a proxy against RFC 9112 and RFC 9110: what a
// hostile client or endpoint says is refused or cut, what is odd but legal
// passes with its meaning, and nothing that is forwarded can be read in two
// ways. Everything goes over real sockets; the judge is package strict.
package conformance

import (
	"strings"
	"time"
)

// Group is what a case is about.
type Group string

// The groups.
const (
	BadRequest Group = "hostile requests"
	BadAnswer  Group = "hostile answers"
	OddRequest Group = "odd requests"
	OddAnswer  Group = "odd answers"
	InPieces   Group = "in pieces"
)

// Case is one exchange and what is to come of it.
type Case struct {
	Name  string // unique: family/what is odd about it
	Group Group
	IDs   string // of the requirements that it shows, with spaces between

	Send    []Step   // by the client
	Methods []string // of the client's requests, where they are not GET: answers are read by them
	Answers int      // final answers that the client waits for; 0 means 1

	Answer []Step // by the endpoint to every request; nil means its usual answer
	OnHead bool   // the endpoint does not wait for the body
	Closes bool   // the endpoint's answer is the last on its connection, which it leaves open
	Tunnel bool   // the endpoint returns every byte after its answer
	Alone  bool   // the client sends nothing more on this connection

	Want Want
}

// Step is something that a side says.
type Step struct {
	Await int           // wait until so many answers came, interim ones too
	If    If            // skip the step unless
	Pause time.Duration // wait
	Bytes string        // then write
	End   End           // then end
}

// End is how a side ends its connection.
type End uint8

// The ends.
const (
	Stay      End = iota
	HalfClose     // it sends no more
	Reset         // it is gone
)

// If is on what a step of a client depends.
type If uint8

// The conditions.
const (
	Always     If = iota
	Told          // an interim answer came
	Unanswered    // none came, interim or final
)

// Want is what is to come of a case.
type Want struct {
	// Refuse is the status that Poise refuses with. Nothing whole reaches the
	// endpoint, or, for an answer, nothing of it the client.
	Refuse int
	Open   bool   // after a refusal the connection may go on
	Cut    bool   // the message breaks off; nobody may take it for whole
	Read   bool   // Cut by Poise, but it can be read; passing it on in a legal form is no fault
	Hidden bool   // a request to /hidden is tucked away in it
	See    *See   // what reaches the endpoint
	Get    *Get   // what the client gets
	Why    string // where Poise is stricter than a MUST: the licence for it
	Must   *Must  // where See and Get go beyond a MUST: what is asked of other proxies
}

// Must replaces See and Get where another proxy may do otherwise.
type Must struct {
	See *See
	Get *Get
}

// anyNumber of requests, in See.
const anyNumber = -2

// See is what reaches the endpoint.
type See struct {
	Requests             int // 0 means 1, -1 none, -2 any number
	Method, Target, Host string
	Fields               []string // "Name: value": all that there are of each name, in order
	Gone                 []string // names
	Body                 *string
	Trailers             []string // as Fields
	NoTrailer            []string // as Gone
}

// Get is what the client gets.
type Get struct {
	Status    int // 0 means 200
	Reason    *string
	Fields    []string
	Gone      []string
	Body      *string
	Bodies    []string // of all answers, where there are several
	Trailers  []string
	NoTrailer []string
	Dated     bool // a Date of the preferred form
	Interim   []int
	Hint      []string // as Fields, of the first interim answer
	HintGone  []string
	End       string // "open" or "closed"; "" for any
	Tunnel    string // what comes behind a 101
}

// say is a step of bytes alone.
func say(s ...string) []Step { return []Step{{Bytes: strings.Join(s, "")}} }

// method guesses the method of the i-th request.
func (c *Case) method(i int) string {
	switch {
	case i < len(c.Methods):
		return c.Methods[i]
	case len(c.Methods) == 0 && len(c.Send) > 0 && i == 0:
		m, _, _ := strings.Cut(c.Send[0].Bytes, " ")
		return m
	}
	return "GET"
}

func (c *Case) answers() int { return max(c.Answers, 1) }

// Cases returns all of them.
func Cases() []Case {
	var all []Case
	for _, family := range []func() []Case{
		lengths, bothFramings, codings, oldCodings, chunkSizes, chunkEnds, badTrailers,
		lineEnds, controls, folds, badNames, requestLines, badTargets, badHosts, connectionLists, spoofed, limits, upgrades, behindGood,
		earlyAnswers, statusLines, answerLengths, answerCodings, answerFields, cutAnswers, brokenChunks, lateBytes, bodiless, interims, switches,
		oddMethods, oddTargets, oddHosts, oddFields, oddConnections, oddBodies, oddVersions, oddSequences, oddRest,
		oddStatuses, oddAnswerFields, oddAnswerBodies, oddInterims, oddSwitches,
		pieces,
	} {
		all = append(all, family()...)
	}
	return all
}
