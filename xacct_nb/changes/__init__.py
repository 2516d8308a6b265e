"""From a plan to its proof: planner, approval, journal, proof, revocation."""
