"""An Airflow DAG that proves grants every night: grant files one by one, and all past changes at once.

Put it into Airflow's folder of DAGs. Its workers need both packages (`pip install xacct-nb
apache-airflow-providers-papermill`), the notebooks (`xacct-nb notebooks copy DIR`) and the AWS profiles.
A task fails where the access is not what was declared, and Airflow reports it as any other failure.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

FOLDER = Path(os.environ.get("XACCT_FOLDER", "/opt/xacct-nb"))
"""Has the notebooks, the folder `grants` with grant files, the executed notebooks and the records.

With a run file `run.yaml`, which names the AWS profiles, all past changes of the records are proven, too.
"""

with DAG(
    "nightly_proof",
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
) as dag:
    for grant in sorted(FOLDER.glob("grants/*.yaml")):
        PapermillOperator(
            task_id=f"prove_{grant.stem}",
            input_nb=str(FOLDER / "30_prove_the_access.ipynb"),
            output_nb=str(FOLDER / "nights" / (grant.stem + "-{{ ds }}.ipynb")),
            parameters={**yaml.safe_load(grant.read_text()), "records": str(FOLDER / "records")},
        )
    if (FOLDER / "run.yaml").exists():
        BashOperator(
            task_id="prove_past_changes",
            bash_command="xacct-nb run prove_the_access -p records_of all "
            f"-r {FOLDER}/run.yaml --records {FOLDER}/records",
        )
