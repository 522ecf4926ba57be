"""dbt's ``api`` while sqlfluff renders a model: relations are their names."""


class Relation:
    """What stands for dbt's relations."""

    @staticmethod
    def create(database: object, schema: str, identifier: str, type: str) -> str:
        """The name of a relation.

        Args:
            database: Not looked at.
            schema: Its schema.
            identifier: Its name in the schema.
            type: Not looked at.

        Returns:
            The qualified name.
        """
        return f"{schema}.{identifier}"
