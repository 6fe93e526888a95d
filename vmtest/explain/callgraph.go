package explain

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Row is a line of two call graphs side by side (event.CallGraph.Lines).
type Row struct {
	Left, Right string // empty: this side has nothing here
	Differs     bool   // a call that only one side makes, or one on each side
	First       bool   // the first row that differs
}

// maxCompared bounds the lines of each side that are aligned: time and memory
// go with its square. The lines beyond are paired one by one.
const maxCompared = 1000

// Compare aligns the calls of a good request with those of a stuck one, so that
// as many as possible stand beside their like. A call matches one of the same
// name at the same depth.
func Compare(good, stuck []string) []Row {
	left, right := good[:min(len(good), maxCompared)], stuck[:min(len(stuck), maxCompared)]
	rows := alignLines(left, right)
	rows = pairLines(rows, good[len(left):], stuck[len(right):])
	for i := range rows {
		if rows[i].Differs {
			rows[i].First = true
			break
		}
	}
	return rows
}

// alignLines goes along a longest common subsequence. Between two lines that are
// alike, the lines of both sides that are not stand beside each other.
func alignLines(left, right []string) (rows []Row) {
	common := commonLines(left, right)
	var i, j, fromLeft, fromRight int // left[fromLeft:i] and right[fromRight:j] are yet to be paired
	for i < len(left) && j < len(right) {
		switch {
		case left[i] == right[j]:
			rows = pairLines(rows, left[fromLeft:i], right[fromRight:j])
			rows = append(rows, Row{Left: left[i], Right: right[j]})
			i, j = i+1, j+1
			fromLeft, fromRight = i, j
		case common[i+1][j] >= common[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairLines(rows, left[fromLeft:], right[fromRight:])
}

// commonLines holds at [i][j] the length of the longest common subsequence of
// left[i:] and right[j:].
func commonLines(left, right []string) [][]int {
	common := make([][]int, len(left)+1)
	for i := range common {
		common[i] = make([]int, len(right)+1)
	}
	for i := len(left) - 1; i >= 0; i-- {
		for j := len(right) - 1; j >= 0; j-- {
			if left[i] == right[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}

// pairLines appends rows of the lines of both sides, in order.
func pairLines(rows []Row, left, right []string) []Row {
	for i := range max(len(left), len(right)) {
		var r Row
		if i < len(left) {
			r.Left = left[i]
		}
		if i < len(right) {
			r.Right = right[i]
		}
		r.Differs = r.Left != r.Right
		rows = append(rows, r)
	}
	return rows
}

// firstDifference stands above the first row that differs.
const firstDifference = "-- first difference "

// SideBySide writes rows as two columns of a text so many characters wide, at
// least 20. Between them, as in diff -y, stands < for a call that only the left
// side makes, > for one of the right side, | for one on each side.
func SideBySide(rows []Row, width int) string {
	column := (max(width, 20) - 3) / 2
	var b strings.Builder
	for _, r := range rows {
		if r.First {
			fmt.Fprintln(&b, clipLine(firstDifference+strings.Repeat("-", max(0, 2*column+3-len(firstDifference))), 2*column+3))
		}
		row := fmt.Sprintf("%-*s %c %s", column, clipLine(r.Left, column), r.mark(), clipLine(r.Right, column))
		fmt.Fprintln(&b, strings.TrimRight(row, " "))
	}
	return b.String()
}

func (r Row) mark() rune {
	switch {
	case !r.Differs:
		return ' '
	case r.Right == "":
		return '<'
	case r.Left == "":
		return '>'
	}
	return '|'
}

// clipLine cuts a line to a number of characters.
func clipLine(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}
