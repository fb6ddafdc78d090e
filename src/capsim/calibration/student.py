"""Student's t: here because SciPy has one home."""


def student_quantile(probability: float, freedom: int) -> float:
    """Return a quantile of Student's t distribution ("Student", Biometrika 6, 1908).

    Args:
        probability: below the quantile, between 0 and 1.
        freedom: degrees of freedom, at least 1.
    """
    from scipy.stats import t as student  # which takes longer to load than a prediction

    return float(student.ppf(probability, freedom))
