import pytest
import sympy


@pytest.fixture
def fresh_sympy():
    """SymPy remembers derivatives; a planted error must neither be hidden by that nor survive its test."""
    sympy.core.cache.clear_cache()
    yield
    sympy.core.cache.clear_cache()
