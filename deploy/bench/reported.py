"""The sums of analytics for a stack that is filled by copies: what its reports say of them.

Sales and funnel are summed from the copies; how often orders failed is what it was on the days of
the samples, on each day; every second order is the first of a customer of its own.
"""

import psycopg
from psycopg.sql import SQL, Literal

# The day that the id of an order begins with.
_DAY = "to_timestamp(('x' || left(replace({}::text, '-', ''), 12))::bit(48)::bigint / 1000.0)::date"
SUMS = f"""
TRUNCATE sales_by_day, funnel_by_day, cohorts;
INSERT INTO sales_by_day SELECT day, currency, count(*), sum(amount)
    FROM applied_orders GROUP BY 1, 2;
INSERT INTO funnel_by_day SELECT {_DAY.format("order_id")}, step, count(*)
    FROM reached_steps GROUP BY 1, 2;
INSERT INTO failures_by_day SELECT DISTINCT days.day, kind, reason, 1
    FROM failures_by_day, (SELECT DISTINCT day FROM sales_by_day) AS days ON CONFLICT DO NOTHING;
INSERT INTO customer_months
    SELECT 'filled-' || number % {{customers}}, date_trunc('month', day), count(*)
    FROM (SELECT day, row_number() OVER (ORDER BY order_id) AS number FROM applied_orders) AS orders
    GROUP BY 1, 2 ON CONFLICT DO NOTHING;
INSERT INTO cohorts SELECT first, month, count(*), sum(orders)
    FROM (SELECT min(month) OVER (PARTITION BY customer_id) AS first, month, orders
          FROM customer_months) AS months GROUP BY 1, 2
"""
TABLES = ("sales_by_day", "funnel_by_day", "failures_by_day", "customer_months", "cohorts")


def report(connection: psycopg.Connection[object], orders: int) -> None:
    """Sum up what was copied; `orders` is about how many orders there are."""
    connection.execute("SET search_path = analytics")
    with connection.transaction():
        connection.execute(SQL(SUMS).format(customers=Literal(max(orders // 2, 1))))
    for table in TABLES:
        connection.execute(SQL("VACUUM (ANALYZE) ") + SQL(table))
