"""A pytest plugin: scikit-learn's own tests meet our classes under scikit-learn's names.

Used as ``pytest -p standins --pyargs sklearn.model_selection.tests.test_search``. The tests
run from the installed wheel; what they import from ``sklearn.model_selection`` is ours.
"""

import sklearn.model_selection
import sklearn.model_selection._search

import skhpt

for name in ("GridSearchCV", "RandomizedSearchCV"):
    for module in (sklearn.model_selection, sklearn.model_selection._search):
        setattr(module, name, getattr(skhpt, name))
