; SPDX-License-Identifier: BSD-2-Clause
; integers.smt2: what arcs.c and "prove" say of products and quotients, for all integers: in
; 128 bits no product of 64 bits is lost. Each is a goal of its own; "prove" wants unsat of
; every one.
(set-option :incremental true)
(set-logic QF_NIA)
(declare-const a Int)
(declare-const b Int)
(declare-const c Int)
(declare-const d Int)

; product_grows
(push 1)
(assert (and (<= 0 a c) (<= 0 b d) (not (<= (* a b) (* c d)))))
(check-sat)
(pop 1)

; product_hull: A within C..D, B within E..F: A * B lies between products of their ends. It lies
; between those of an end with B, and these between those of two ends.
(declare-const e Int)
(declare-const f Int)
(push 1)
(assert (and (<= c a d) (>= b 0) (not (<= (* c b) (* a b) (* d b)))))
(check-sat)
(pop 1)
(push 1)
(assert (and (<= c a d) (<= b 0) (not (<= (* d b) (* a b) (* c b)))))
(check-sat)
(pop 1)

; shift_between: A within C..D, times B within E..F, all positive
(push 1)
(assert (and (<= c a d) (< 0 e) (<= e b f) (< c 0) (not (<= (* c f) (* a b)))))
(check-sat)
(pop 1)
(push 1)
(assert (and (<= c a d) (< 0 e) (<= e b f) (>= c 0) (not (<= (* c e) (* a b)))))
(check-sat)
(pop 1)
(push 1)
(assert (and (<= c a d) (< 0 e) (<= e b f) (< d 0) (not (<= (* a b) (* d e)))))
(check-sat)
(pop 1)
(push 1)
(assert (and (<= c a d) (< 0 e) (<= e b f) (>= d 0) (not (<= (* a b) (* d f)))))
(check-sat)
(pop 1)

; quotient_grows: Q is a / b, R is c / d, by what quotients are
(declare-const q Int)
(declare-const r Int)
(push 1)
(assert (and (<= 0 a c) (<= 1 d b) (<= 0 q) (<= 0 r)))
(assert (and (<= (* q b) a) (< c (* (+ r 1) d)) (not (<= q r))))
(check-sat)
(pop 1)

; remainder_moves: A and C have the same quotient Q by B
(push 1)
(assert (not (= (- a c) (- (- a (* q b)) (- c (* q b))))))
(check-sat)
(pop 1)
