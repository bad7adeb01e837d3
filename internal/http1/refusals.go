package http1

import "poise/internal/message"

// more is no refusal: it says that the buffer ended first.
var more = new(message.Refusal)

// The refusals are made once, so that bad input costs no allocation. The
// ones about fields serve requests and answers alike.
var (
	errRequestLine    = refuse(400, "bad-request-line", `the request line must be "METHOD target HTTP/1.1" with single spaces and a CRLF at its end`)
	errMethod         = refuse(400, "bad-request-line", "the method must be letters, digits or one of !#$%&'*+-.^_`|~, and one space must follow it")
	errLineEnd        = refuse(400, "bad-request-line", "the line must end with CRLF right behind the version; a CR or LF alone ends nothing")
	errVersion        = refuse(505, "bad-version", "this HTTP version is not spoken here; use HTTP/1.1 or HTTP/1.0")
	errTargetByte     = refuse(400, "bad-target", "the request target holds a control byte, a '#' or a byte beyond ASCII; percent-encode it or leave it out")
	errTargetForm     = refuse(400, "bad-target", `the request target must be a path that begins with "/" or an http or https URL`)
	errTargetHost     = refuse(400, "bad-target", "the URL in the request target must name a host, with an optional port and without user information")
	errTargetAsterisk = refuse(400, "bad-target", `the request target "*" goes with OPTIONS only`)
	errTargetConnect  = refuse(400, "bad-target", "the target of CONNECT must be host:port")
	errURITooLong     = refuse(414, "uri-too-long", "the request line is longer than the limit; shorten the request target")

	errHeaderTooLarge = refuse(431, "header-too-large", "the header fields together are longer than the limit; send fewer or shorter ones")
	errTooManyFields  = refuse(431, "too-many-fields", "there are more header fields than the limit; send fewer")
	errFieldFold      = refuse(400, "bad-field", "a header line begins with a space or tab; line folding is not allowed, write the field on one line")
	errFieldSpace     = refuse(400, "bad-field", "there is a space or tab before the colon of a header field; put the colon right behind the name")
	errFieldEmpty     = refuse(400, "bad-field", "a header field has no name; a line must be \"Name: value\"")
	errFieldName      = refuse(400, "bad-field", "a header field name holds a byte that no token may; use letters, digits and hyphens, then a colon")
	errFieldCR        = refuse(400, "bad-field", "a CR stands alone in the header; every line must end with CRLF and hold no other CR")
	errFieldLF        = refuse(400, "bad-field", "a LF stands alone in the header; every line must end with CRLF")
	errFieldControl   = refuse(400, "bad-field", "a header field holds a control byte; only visible characters, spaces and tabs are allowed")
	errConnection     = refuse(400, "bad-field", "the Connection field must be a list of names, at most 8 of them beside close, keep-alive and upgrade")

	errHostMissing = refuse(400, "bad-host", "HTTP/1.1 requests must have a Host field; send exactly one")
	errHostTwice   = refuse(400, "bad-host", "there is more than one Host field; send exactly one")
	errHostValue   = refuse(400, "bad-host", "the Host field must be a host name or an address, with an optional port up to 65535")

	errLength       = refuse(400, "bad-length", "Content-Length must be one decimal number without a sign, below 2^63")
	errLengthTwice  = refuse(400, "bad-length", "there is more than one Content-Length field; send exactly one")
	errBothFramings = refuse(400, "ambiguous-framing", "Content-Length and Transfer-Encoding come together; send one of them")
	errCodingTwice  = refuse(400, "ambiguous-framing", "there is more than one Transfer-Encoding field; send exactly one")
	errCodingEmpty  = refuse(400, "ambiguous-framing", "Transfer-Encoding is empty; send chunked or leave the field out")
	errCodingOld    = refuse(400, "ambiguous-framing", "Transfer-Encoding does not exist in HTTP/1.0; use HTTP/1.1 or Content-Length")
	errCodingLast   = refuse(400, "ambiguous-framing", "chunked must be the last transfer coding, and be there once; otherwise nobody can tell where the body ends")
	errCoding       = refuse(501, "unknown-coding", "chunked is the only transfer coding that is understood here")
	errExpect       = refuse(417, "bad-expect", "100-continue is the only expectation that can be met here")

	errStatusLine = refuse(502, "bad-status-line", `the answer must begin with "HTTP/1.1 " and a status from 100 to 599`)
	errStatusLong = refuse(502, "bad-status-line", "the status line is longer than the limit")
	errSwitch     = refuse(502, "bad-upgrade", "a 101 answer must be of HTTP/1.1 and name the protocol in Upgrade, with Connection: upgrade")

	errChunkSize     = refuse(400, "bad-chunk", "a chunk must begin with its size: one to 16 hexadecimal digits, below 2^63, without spaces")
	errChunkLineEnd  = refuse(400, "bad-chunk", "a chunk's size line must end with CRLF and hold no control byte")
	errChunkLineLong = refuse(400, "bad-chunk", "a chunk's extensions are longer than 4 KiB")
	errChunkEnd      = refuse(400, "bad-chunk", "the data of a chunk must be followed by CRLF; the size and the data disagree")
	errTrailerLarge  = refuse(400, "bad-chunk", "the trailer fields together are longer than 16 KiB")
	errTrailerMany   = refuse(400, "bad-chunk", "there are more than 64 trailer fields")
)

func refuse(status int, word, text string) *message.Refusal {
	return &message.Refusal{Status: status, Word: word, Text: text}
}
