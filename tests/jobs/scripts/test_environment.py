"""The environment of a script: what of a node's variables gets into it."""

from jobs.scripts.environment import is_library_name, node_environment


def test_settings_and_secrets_of_a_node_stay_out() -> None:
    node = {
        "PATH": "/bin", "HOME": "/root", "NCCL_DEBUG": "INFO", "CUDA_VISIBLE_DEVICES": "0,1", "TORCH_LOGS": "x",
        "MLP_HIDDEN": "1792", "SEED": "1", "WANDB_API_KEY": "secret", "GOLFSWEEP_DB": "postgresql://u:p@h/d",
        "PYTHONPATH": "/x", "RANK": "3", "WORLD_SIZE": "8", "TORCHELASTIC_RUN_ID": "x", "LD_PRELOAD": "x.so",
    }  # fmt: skip
    assert node_environment(node, ["WANDB_API_KEY"]) == {
        "PATH": "/bin", "HOME": "/root", "NCCL_DEBUG": "INFO", "CUDA_VISIBLE_DEVICES": "0,1", "TORCH_LOGS": "x",
        "WANDB_API_KEY": "secret",
    }  # fmt: skip


def test_names_of_libraries_are_no_settings_of_a_script() -> None:
    assert is_library_name("NCCL_P2P_LEVEL")
    assert is_library_name("OMP_NUM_THREADS")
    assert not is_library_name("ITERATIONS")
    assert not is_library_name("TORCHELASTIC_RUN_ID")


def test_no_variable_of_the_programs_own_reaches_a_script_whatever_is_passed() -> None:
    own = {"GOLFSWEEP_DB": "postgresql://u:pw@h/d", "GOLFSWEEP_TOKEN": "gs_1_x", "RAY_AUTH_TOKEN": "t", "SEED": "1"}
    assert node_environment(own, [*own]) == {"SEED": "1"}
