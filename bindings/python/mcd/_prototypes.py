"""Generated from include/mcd.h by scripts/generate-prototypes.py; do not edit."""

from ctypes import CFUNCTYPE, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

CALLBACK = CFUNCTYPE(c_int, c_void_p, c_void_p)

MCD_OK = 0
MCD_TIMEOUT = 1
MCD_ERR_ARGUMENT = -1
MCD_ERR_HANDLE = -2
MCD_ERR_SIZE = -3
MCD_ERR_NOMEM = -4
MCD_ERR_CANCELLED = -5
MCD_ERR_FILE = -6
MCD_ERR_NUMERICAL = -7
MCD_ERR_UNSUPPORTED = -8
MCD_ERR_STATE = -9
MCD_ERR_FORKED = -10
MCD_ERR_INTERNAL = -11
MCD_JOB_NEW = 0
MCD_JOB_RUNNING = 1
MCD_JOB_DONE = 2
MCD_JOB_FAILED = 3
MCD_FREE_X = 1
MCD_FREE_Y = 2
MCD_FREE_AMPLITUDE = 4
MCD_FREE_RADIUS = 8

# name: (result, [arguments])
PROTOTYPES = {
    "mcd_version": (c_char_p, []),
    "mcd_last_error": (c_char_p, []),
    "mcd_status_name": (c_char_p, [c_int]),
    "mcd_free": (c_int, [c_uint64]),
    "mcd_live_handles": (c_int, [c_void_p]),
    "mcd_set_threads": (c_int, [c_int64]),
    "mcd_get_threads": (c_int, [c_void_p]),
    "mcd_set_memory_limit": (c_int, [c_int64]),
    "mcd_get_memory_limit": (c_int, [c_void_p]),
    "mcd_memory_used": (c_int, [c_void_p]),
    "mcd_devices": (c_int, [c_void_p]),
    "mcd_device_name": (c_int, [c_size_t, c_void_p, c_size_t, c_void_p]),
    "mcd_device_description": (c_int, [c_size_t, c_void_p, c_size_t, c_void_p]),
    "mcd_device_available": (c_int, [c_size_t, c_void_p]),
    "mcd_wire_create": (c_int, [c_int64, c_int64, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p]),
    "mcd_wire_set_hopping": (c_int, [c_uint64, c_double]),
    "mcd_wire_get_hopping": (c_int, [c_uint64, c_void_p]),
    "mcd_wire_set_lead_onsite": (c_int, [c_uint64, c_double]),
    "mcd_wire_get_lead_onsite": (c_int, [c_uint64, c_void_p]),
    "mcd_wire_set_backend": (c_int, [c_uint64, c_char_p]),
    "mcd_wire_get_backend": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_wire_set_threads": (c_int, [c_uint64, c_int64]),
    "mcd_wire_get_threads": (c_int, [c_uint64, c_void_p]),
    "mcd_wire_set_memory_limit": (c_int, [c_uint64, c_int64]),
    "mcd_wire_get_memory_limit": (c_int, [c_uint64, c_void_p]),
    "mcd_wire_shape": (c_int, [c_uint64, c_void_p, c_void_p, c_void_p]),
    "mcd_wire_fields": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_wire_energies": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_wire_open_modes": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_wire_conductance": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_wire_vjp": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_wire_jacobian": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_wire_field_derivative": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_wire_energy_derivative": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_wire_smatrix": (c_int, [c_uint64, c_void_p, c_size_t, c_double, c_double, c_void_p, c_void_p, c_size_t, c_void_p]),
    "mcd_wire_transmission_eigenvalues": (c_int, [c_uint64, c_void_p, c_size_t, c_double, c_double, c_void_p, c_size_t, c_void_p]),
    "mcd_wire_ldos": (c_int, [c_uint64, c_void_p, c_size_t, c_double, c_double, c_void_p, c_size_t]),
    "mcd_wire_states": (c_int, [c_uint64, c_void_p, c_size_t, c_double, c_double, c_int32, c_void_p, c_void_p, c_size_t, c_void_p]),
    "mcd_wire_feasibility": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p, c_size_t, c_void_p]),
    "mcd_wire_cancel": (c_int, [c_uint64]),
    "mcd_problem_create": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_problem_wire": (c_int, [c_uint64, c_void_p]),
    "mcd_problem_set_target": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_target": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_set_weights": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_weights": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_set_loss": (c_int, [c_uint64, c_char_p, c_double]),
    "mcd_problem_get_loss": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_void_p]),
    "mcd_problem_set_sites": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_set_gaussians": (c_int, [c_uint64, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_uint32]),
    "mcd_problem_set_gates": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_problem_set_background": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_background": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_parametrization": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_problem_parameters_count": (c_int, [c_uint64, c_void_p]),
    "mcd_problem_parameter_name": (c_int, [c_uint64, c_size_t, c_void_p, c_size_t, c_void_p]),
    "mcd_problem_set_start": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_start": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_set_bounds": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_problem_get_bounds": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_problem_set_frozen": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_frozen": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_set_ties": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_get_ties": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_problem_set_regularizer": (c_int, [c_uint64, c_char_p, c_double]),
    "mcd_problem_get_regularizer": (c_int, [c_uint64, c_char_p, c_void_p]),
    "mcd_problem_onsite": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_problem_objective": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_void_p, c_size_t]),
    "mcd_problem_encode": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_problem_decode": (c_int, [c_void_p, c_size_t, c_void_p]),
    "mcd_problem_save": (c_int, [c_uint64, c_char_p]),
    "mcd_problem_load": (c_int, [c_char_p, c_void_p]),
    "mcd_job_create_design": (c_int, [c_uint64, c_void_p]),
    "mcd_job_create_defect": (c_int, [c_uint64, c_void_p, c_size_t, c_int64, c_double, c_void_p]),
    "mcd_job_create_resume": (c_int, [c_char_p, c_void_p]),
    "mcd_job_set_method": (c_int, [c_uint64, c_char_p]),
    "mcd_job_get_method": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_job_set_schedule": (c_int, [c_uint64, c_char_p]),
    "mcd_job_set_schedule_pairs": (c_int, [c_uint64, c_double, c_void_p, c_size_t, c_void_p, c_size_t]),
    "mcd_job_get_schedule": (c_int, [c_uint64, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p]),
    "mcd_job_set_max_evaluations": (c_int, [c_uint64, c_int64]),
    "mcd_job_get_max_evaluations": (c_int, [c_uint64, c_void_p]),
    "mcd_job_set_time_limit": (c_int, [c_uint64, c_double]),
    "mcd_job_get_time_limit": (c_int, [c_uint64, c_void_p]),
    "mcd_job_set_stop_objective": (c_int, [c_uint64, c_double]),
    "mcd_job_get_stop_objective": (c_int, [c_uint64, c_void_p]),
    "mcd_job_set_step_tolerance": (c_int, [c_uint64, c_double]),
    "mcd_job_get_step_tolerance": (c_int, [c_uint64, c_void_p]),
    "mcd_job_set_gradient_tolerance": (c_int, [c_uint64, c_double]),
    "mcd_job_get_gradient_tolerance": (c_int, [c_uint64, c_void_p]),
    "mcd_job_set_starts": (c_int, [c_uint64, c_int64, c_double]),
    "mcd_job_get_starts": (c_int, [c_uint64, c_void_p, c_void_p]),
    "mcd_job_set_seed": (c_int, [c_uint64, c_uint64]),
    "mcd_job_get_seed": (c_int, [c_uint64, c_void_p]),
    "mcd_job_set_checkpoint": (c_int, [c_uint64, c_char_p, c_double]),
    "mcd_job_get_checkpoint": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p, c_void_p]),
    "mcd_job_start": (c_int, [c_uint64]),
    "mcd_job_wait": (c_int, [c_uint64, c_double, CALLBACK, c_void_p]),
    "mcd_job_progress": (c_int, [c_uint64, c_void_p]),
    "mcd_job_cancel": (c_int, [c_uint64]),
    "mcd_job_history": (c_int, [c_uint64, c_char_p, c_void_p, c_size_t, c_void_p]),
    "mcd_job_best": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_job_result": (c_int, [c_uint64, c_void_p]),
    "mcd_result_problem": (c_int, [c_uint64, c_void_p]),
    "mcd_result_onsite": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_result_conductance": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_result_parameters": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_result_parameter_errors": (c_int, [c_uint64, c_void_p, c_size_t]),
    "mcd_result_parameter": (c_int, [c_uint64, c_char_p, c_void_p, c_size_t, c_void_p]),
    "mcd_result_parameter_error": (c_int, [c_uint64, c_char_p, c_void_p, c_size_t, c_void_p]),
    "mcd_result_objective": (c_int, [c_uint64, c_void_p]),
    "mcd_result_evaluations": (c_int, [c_uint64, c_void_p]),
    "mcd_result_seconds": (c_int, [c_uint64, c_void_p]),
    "mcd_result_status": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_result_message": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_result_backend": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_result_history": (c_int, [c_uint64, c_char_p, c_void_p, c_size_t, c_void_p]),
    "mcd_result_outcomes": (c_int, [c_uint64, c_void_p]),
    "mcd_result_outcome": (c_int, [c_uint64, c_size_t, c_void_p]),
    "mcd_result_encode": (c_int, [c_uint64, c_void_p, c_size_t, c_void_p]),
    "mcd_result_decode": (c_int, [c_void_p, c_size_t, c_void_p]),
    "mcd_result_save": (c_int, [c_uint64, c_char_p]),
    "mcd_result_load": (c_int, [c_char_p, c_void_p]),
}
