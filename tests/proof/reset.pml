/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reset protocol of specs/reset.md: a function with its driver, the firmware's stages, DMA that ends whenever it likes,
 * and a bus that may reset or remove the function at any moment, during a reset too. The function is a VF, the general case:
 * its PF stands beside it with its life alone, and takes the VF along when it is reset. QUIESCING stands for all the time that
 * DMA is waited for, also where a host would read INIT because the bus did the reset. tests/proof/proof.py says which
 * property is checked with which of these switches, and which broken protocol (BREAK_...) each property must catch:
 *
 *   CHECK_DMA         no DMA of a generation once another generation is visible as READY, none of an absent function, and none
 *                     of a life that a reset of the PF ended once the PF is READY again
 *   CHECK_INTERRUPT   the same for interrupts
 *   CHECK_COMPLETION  the driver takes no completion of another generation or of another use of its memory
 *   CHECK_MEMORY      memory is given back only when no DMA reaches it, now or later
 *   LIVENESS          every reset ends in READY, and the driver comes back to work by itself (ltl at the end)
 *
 * What is left out: one queue stands for the function's data queues and its admin queue, one completion for a ring. A register
 * access is one step. Every stage of the firmware's poll loop is a process, so that any order of stages is covered.
 */

#ifndef SPONTANEOUS
#define SPONTANEOUS 3	/* resets and removals that the bus throws in */
#endif
#ifndef WISHES
#define WISHES 2	/* resets and queue destructions that the driver asks for out of the blue, both together */
#endif

#define PF 0
#define VF 1
#define FUNCTIONS 2

/* enum function_state; a host reads INIT from a function that it cannot see, and ALL_ONES from its other registers */
#define INIT 0
#define READY 1
#define QUIESCING 2
#define ABSENT 4
#define ALL_ONES 255

/* Hardware. The gate closes by itself on a reset; behind it STATUS reads INIT, writes vanish, and no DMA is taken on. */
bool gate[FUNCTIONS];
bool present[FUNCTIONS];
bool hard_request[FUNCTIONS];	/* FLR was written or VF Enable changed; held until the firmware takes it */
bool soft_request[FUNCTIONS];	/* SOFT_RESET was written */
bool bus_master;		/* of the VF, as what follows */

/* Registers and queue as the firmware holds them. */
byte state[FUNCTIONS];
byte generation[FUNCTIONS];
byte pf_resets;			/* resets of the PF begun so far, ... */
byte vf_born;			/* ... and when the VF's life began */
bool enable_request;		/* ENABLE was written, with the address of ... */
byte enable_use;		/* ... memory in this use */
bool queue_on;
byte queue_use;
bool buffer_posted;
bool destroy_request;
bool destroying;

/* The DMA tag that is out: IN_FLIGHT on the bus, then DONE or ABORTED until the firmware reaps it. */
#define IDLE 0
#define IN_FLIGHT 1
#define DONE 2
#define ABORTED 3
byte tag;
#define PAYLOAD 0
#define COMPLETION 1
bool tag_stage;
byte tag_generation;
byte tag_born;
byte tag_use;

/* Host memory of the rings and buffers. `use` tells one allocation from the next at the same place. */
bool allocated;
byte use;
bool completed;			/* a completion lies in the ring */
byte completed_generation;
byte completed_use;
byte destroyed = ALL_ONES;	/* generation in the completion of the destruction */

/* The driver thinks that it works. */
bool running;

byte spontaneous = SPONTANEOUS;
byte wishes = WISHES;

#define VISIBLE(f) (present[f] && !gate[f])
#define STATE(f) (VISIBLE(f) -> state[f] : INIT)
#define GENERATION(f) (VISIBLE(f) -> generation[f] : ALL_ONES)
#define RUNNING (VISIBLE(VF) && queue_on)
#define TRANSACTIONS_PENDING (tag == IN_FLIGHT)
#define DMA_ALLOWED (VISIBLE(VF) && bus_master)
/* The tag belongs to what the function is now. */
#define TAG_CURRENT (state[VF] == READY && queue_on && tag_generation == generation[VF] && DMA_ALLOWED)

/* The tag belongs to the past, and the host was told that the past is over. */
#define STALE ((STATE(VF) == READY && generation[VF] != tag_generation) || state[VF] == ABSENT || \
	       (STATE(PF) == READY && tag_born != pf_resets))

/* Values that nobody will read any more are made the same, to keep the state space small. */
#define FORGET_TAG tag = IDLE; tag_stage = PAYLOAD; tag_generation = 0; tag_born = 0; tag_use = 0
#define FORGET_COMPLETION completed = false; completed_generation = 0; completed_use = 0
#define FORGET_ENABLE enable_request = false; enable_use = 0

/* ------------------------------------------------------------------------------------------------------ the card's hardware */

/* A tag that is out may end at any time: done, or aborted if the function may not use the bus any more. */
proctype Dma()
{
end:
	do
	:: atomic { tag == IN_FLIGHT ->
#ifdef CHECK_DMA
		assert(!STALE);
#endif
#ifdef CHECK_MEMORY
		assert(allocated && use == tag_use);
#endif
		if
		:: tag_stage == COMPLETION ->
			completed = true;
			completed_generation = tag_generation;
			completed_use = tag_use
		:: else
		fi;
		tag = DONE }
	:: atomic { tag == IN_FLIGHT && !DMA_ALLOWED -> tag = ABORTED }
	od
}

/* -------------------------------------------------------------------------------------------------- the firmware, stage by stage */

#ifdef BREAK_NO_QUIESCE
#define QUIET(f) true
#else
#ifdef BREAK_PF_FORGETS_VFS
#define QUIET(f) (f == PF || tag == IDLE)
#else
/* A PF waits until the life is over that its VF had when the PF's reset began; the next one may begin before the PF's. */
#define QUIET(f) (f == PF -> state[VF] != QUIESCING : tag == IDLE)
#endif
#endif

/* Life of a function: which state follows which, and when. */
proctype Life(byte f)
{
end:
	do
	:: atomic { (state[f] == READY || state[f] == ABSENT) && (hard_request[f] || soft_request[f]) ->
#ifndef BREAK_LATE_ACKNOWLEDGE
		hard_request[f] = false;
#endif
		soft_request[f] = false;
		state[f] = QUIESCING;
		if
		:: f == VF -> destroying = false
		:: else -> pf_resets = pf_resets + 1
		fi;
		if
		:: f == PF && state[VF] == READY -> destroying = false; state[VF] = QUIESCING
		:: else
		fi }
	:: atomic { state[f] == QUIESCING && QUIET(f) ->
		if
		:: f == VF -> queue_on = false; queue_use = 0
		:: else
		fi;
		generation[f] = generation[f] + 1;
		state[f] = INIT }
	:: atomic { state[f] == INIT ->
		/* What was asked for meanwhile is answered by this reset: no host has seen READY since. */
#ifndef BREAK_LATE_ACKNOWLEDGE
		hard_request[f] = false;
#endif
		soft_request[f] = false;
		if
		:: f == VF ->
#ifndef BREAK_KEEP_ENABLE
			FORGET_ENABLE;
#endif
			destroy_request = false;
			buffer_posted = false
		:: else
		fi;
		if
		:: present[f] ->
			state[f] = READY;
			gate[f] = false;
			if
			:: f == VF -> vf_born = pf_resets
			:: else
			fi
		:: else -> state[f] = ABSENT
		fi }
#ifdef BREAK_LATE_ACKNOWLEDGE
	   ; hard_request[f] = false
#endif
	od
}

/* Queue creation and destruction. */
proctype Admin()
{
end:
	do
	:: atomic { state[VF] == READY && enable_request ->
		queue_on = true;
		queue_use = enable_use;
		FORGET_ENABLE;
		buffer_posted = true }
	:: atomic { state[VF] == READY && !enable_request && destroy_request ->
		destroy_request = false;
		destroying = queue_on;
		queue_on = false;
		queue_use = 0;
		buffer_posted = false }
#ifdef BREAK_DESTROY_EARLY
	:: atomic { destroying ->
#else
	:: atomic { destroying && tag == IDLE ->
#endif
		destroying = false;
		if
		:: DMA_ALLOWED -> destroyed = generation[VF]
		:: else
		fi }
	od
}

/* A frame: payload, then its completion, then the interrupt. */
proctype Receive()
{
end:
	do
	:: atomic { tag == IDLE && state[VF] == READY && queue_on && buffer_posted && DMA_ALLOWED ->
		buffer_posted = false;
		tag_stage = PAYLOAD;
		tag_generation = generation[VF];
		tag_born = vf_born;
		tag_use = queue_use;
		tag = IN_FLIGHT }
	:: atomic { tag == DONE && tag_stage == PAYLOAD ->
		if
#ifdef BREAK_STALE_TAG
		:: true -> tag_generation = generation[VF]; tag_stage = COMPLETION; tag = IN_FLIGHT
#else
		:: TAG_CURRENT -> tag_stage = COMPLETION; tag = IN_FLIGHT
		:: else -> FORGET_TAG
#endif
		fi }
	:: atomic { tag == DONE && tag_stage == COMPLETION ->
		if
#ifdef BREAK_INTERRUPT_UNCHECKED
		:: true ->
#else
		:: TAG_CURRENT ->
#endif
#ifdef CHECK_INTERRUPT
			assert(!STALE)
#else
			skip
#endif
#ifndef BREAK_INTERRUPT_UNCHECKED
		:: else
#endif
		fi;
		FORGET_TAG }
	:: atomic { tag == ABORTED -> FORGET_TAG }
	od
}

/* ------------------------------------------------------------------------------------------- the bus, and whoever is behind it */

/* The VF goes from the bus, or is reset: its Command register with it. */
inline hit_vf(stays)
{
	present[VF] = stays;
	gate[VF] = true;
	hard_request[VF] = true;
	bus_master = false
}

proctype Bus()
{
end:
	do
	:: atomic { spontaneous > 0 && present[VF] -> spontaneous--; hit_vf(true) }	/* FLR of the VF */
	:: atomic { spontaneous > 0 && present[VF] -> spontaneous--; hit_vf(false) }	/* VF Enable cleared */
	:: atomic { !present[VF] -> hit_vf(true) }					/* VF Enable set */
	:: atomic { spontaneous > 0 ->							/* FLR or hot reset of the PF */
		spontaneous--;
		gate[PF] = true;
		hard_request[PF] = true;
		if
		:: present[VF] -> hit_vf(false)
		:: else
		fi }
	:: atomic { spontaneous > 0 && VISIBLE(PF) -> spontaneous--; soft_request[PF] = true }	/* SOFT_RESET of the PF */
	od
}

/* -------------------------------------------------------------------------------------------------------------- the driver */

inline give_memory_back()
{
	atomic {
#ifdef CHECK_MEMORY
		assert(!(tag == IN_FLIGHT && tag_use == use));
#endif
		allocated = false;
		destroyed = ALL_ONES;
		FORGET_COMPLETION
	}
}

/* What is written to a function that is not visible is lost; so is a doorbell of a queue that is not there. */
proctype Driver()
{
	byte mine;	/* the generation this driver works with */
	byte before;

start:
	STATE(VF) == READY;
	mine = GENERATION(VF);
	/* GENERATION first, then STATUS: a generation read from a function in reset is worth nothing. */
	if
	:: STATE(VF) == READY && mine != ALL_ONES
	:: else -> mine = 0; goto start
	fi;
	atomic { allocated = true; use = (use + 1) % 3 };
	bus_master = true;
	atomic {
		if
		:: VISIBLE(VF) -> enable_request = true; enable_use = use
		:: else
		fi };
	if
	:: RUNNING
	:: !queue_on && !enable_request && STATE(VF) == READY -> goto unsure	/* it never comes: a time limit */
	:: STATE(VF) != READY -> goto in_reset
	fi;
#ifndef BREAK_NO_SECOND_LOOK
	/* Only now is it sure that the queue belongs to `mine`. */
	if
	:: GENERATION(VF) == mine
	:: else -> goto unsure
	fi;
#endif
	running = true;
	do
	:: atomic { completed ->
		if
#ifndef BREAK_NO_GENERATION_CHECK
		:: completed_generation != mine -> FORGET_COMPLETION; running = false; goto unsure
#endif
		:: else ->
#ifdef CHECK_COMPLETION
			assert(completed_generation == mine && completed_use == use);
#endif
			FORGET_COMPLETION;
			if
			:: RUNNING -> buffer_posted = true	/* the buffer is posted again */
			:: else
			fi
		fi }
#ifdef BREAK_RESET_ON_RESET
	:: atomic { STATE(VF) != READY -> running = false; goto unsure }
#else
	:: atomic { STATE(VF) != READY -> running = false; goto in_reset }
#endif
	:: atomic { GENERATION(VF) != ALL_ONES && GENERATION(VF) != mine -> running = false; goto was_reset }
	:: atomic { !bus_master -> running = false; goto unsure }	/* nothing moves: a watchdog */
	:: atomic { wishes > 0 -> wishes--; running = false; goto unsure }
	:: atomic { wishes > 0 -> wishes--; running = false; break }
	od;

	/* Destroy the queue, and begin anew without a reset. */
	atomic {
		if
		:: RUNNING -> destroy_request = true
		:: else
		fi };
	if
	:: atomic { destroyed == mine -> give_memory_back(); mine = 0; goto start }
	:: STATE(VF) != READY -> goto in_reset
	:: atomic { GENERATION(VF) != ALL_ONES && GENERATION(VF) != mine -> goto was_reset }
	:: !bus_master -> goto unsure
	fi;

unsure:
	/* The function may know our memory in a generation that we cannot name: it takes a reset to be sure. */
	mine = 0;
	if
	:: true
	:: atomic { allocated -> bus_master = false };
		/* Stopped by force: nothing leaves without Bus Master Enable, and Transactions Pending says when the last has ended. */
#ifndef BREAK_IGNORE_PENDING
		!TRANSACTIONS_PENDING;
#endif
		give_memory_back();
#ifdef BREAK_NO_RESET_AFTER_CUT
		goto start
#endif
	fi;
	before = GENERATION(VF);
	if
	:: atomic { STATE(VF) == READY && before != ALL_ONES ->
		if
		:: VISIBLE(VF) -> soft_request[VF] = true
		:: else
		fi };
		if
#ifdef BREAK_STALE_READY
		:: STATE(VF) == READY
#else
		:: GENERATION(VF) != ALL_ONES && GENERATION(VF) != before
#endif
		:: STATE(VF) != READY
		fi
	:: else
	fi;
	before = 0;

in_reset:
	/* Seen out of READY since our last write: what the function knew of our memory is gone when it is READY again. */
	mine = 0;
#ifndef BREAK_FREE_WHEN_GONE
	if
	:: STATE(VF) == READY
	:: !present[VF] && state[VF] == ABSENT	/* gone from the bus, and the time of a reset has passed */
	fi;
#endif

was_reset:
	mine = 0;
	if
	:: allocated -> give_memory_back()
	:: else
	fi;
	goto start
}

init {
	atomic {
		present[PF] = true;
		gate[VF] = true;
		state[VF] = ABSENT;
		run Dma();
		run Life(PF);
		run Life(VF);
		run Admin();
		run Receive();
		run Bus();
		run Driver()
	}
}

#ifdef LIVENESS
#define PF_IS_READY (state[PF] == READY && !gate[PF])
#define VF_IS_READY (state[VF] == READY && !gate[VF] && present[VF])
#define VF_IS_GONE (!present[VF])
ltl pf_ready { [] <> PF_IS_READY }
ltl vf_ready { [] <> (VF_IS_READY || VF_IS_GONE) }
ltl driver_works { <> [] running }
#endif
