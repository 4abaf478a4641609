"""Who runs next, and where: plain functions on plain data, shared by the cluster, the plan and the simulator."""
